//! One BPF instruction in the kernel's encoding.

/// `struct bpf_insn`; a 64-bit immediate load takes two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insn {
    /// Class, operation and source bits.
    pub code: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register, or a pseudo source (`BPF_PSEUDO_*`).
    pub src: u8,
    /// Jump distance or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

impl Insn {
    /// Its eight bytes, little endian.
    pub fn to_bytes(self) -> [u8; 8] {
        let mut out = [0; 8];
        out[0] = self.code;
        out[1] = self.dst | self.src << 4;
        out[2..4].copy_from_slice(&self.off.to_le_bytes());
        out[4..8].copy_from_slice(&self.imm.to_le_bytes());
        out
    }
}
