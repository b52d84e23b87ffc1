//! What a record has behind the addresses of a user stack that was copied.
//!
//! In: how many addresses, and how many changed returns there is room for. Out: where the rest is:
//! the thread's registers in user mode, in the order of the kernel's `struct pt_regs`; u64, how
//! many bytes were copied; where on the stack the kernel has put an address of its own in place of
//! that to return to, and what was there, as two u64, the innermost first, zeros behind the last;
//! and the bytes that were copied, from the stack pointer up. Not a byte was copied of what wasn't
//! in user mode, and nothing else is there then that means anything.

/// Registers, as words.
#[cfg(not(target_arch = "aarch64"))]
pub const REGISTERS: u32 = 21;
/// Of them, the stack pointer,
#[cfg(not(target_arch = "aarch64"))]
pub const SP: u32 = 19;
/// and that which tells in its bits [`MODE_BITS`] which mode they are of.
#[cfg(not(target_arch = "aarch64"))]
pub const MODE: u32 = 17;
/// The ring, in the selector of the code's segment.
#[cfg(not(target_arch = "aarch64"))]
pub const MODE_BITS: i64 = 3;
/// User mode.
#[cfg(not(target_arch = "aarch64"))]
pub const USER_MODE: i64 = 3;

/// Registers, as words.
#[cfg(target_arch = "aarch64")]
pub const REGISTERS: u32 = 34;
/// Of them, the stack pointer,
#[cfg(target_arch = "aarch64")]
pub const SP: u32 = 31;
/// and that which tells in its bits [`MODE_BITS`] which mode they are of.
#[cfg(target_arch = "aarch64")]
pub const MODE: u32 = 33;
/// The exception level, in the state of the processor.
#[cfg(target_arch = "aarch64")]
pub const MODE_BITS: i64 = 15;
/// User mode.
#[cfg(target_arch = "aarch64")]
pub const USER_MODE: i64 = 0;

/// Where the registers are, behind the process and so many addresses.
pub const fn registers(frames: u32) -> u32 {
    8 + 8 * frames
}

/// Where it says how many bytes were copied.
pub const fn length(frames: u32) -> u32 {
    registers(frames) + 8 * REGISTERS
}

/// Where the places of changed returns are.
pub const fn returns(frames: u32) -> u32 {
    length(frames) + 8
}

/// Where the bytes are.
pub const fn bytes(frames: u32, returns_kept: u32) -> u32 {
    returns(frames) + 16 * returns_kept
}
