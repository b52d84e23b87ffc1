use super::*;
use crate::record::word;
use proptest::prelude::*;
use strand_compiler::manifest::copied;

/// Registers as the kernel keeps them; the rest is zero.
#[cfg(target_arch = "x86_64")]
fn registers(ip: u64, sp: u64, bp: u64) -> Vec<u8> {
    const CODE_OF_USER: u64 = 0x33;
    let mut words = [0u64; copied::REGISTERS as usize];
    (words[4], words[16], words[17], words[19]) = (bp, ip, CODE_OF_USER, sp);
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// A function of ours: what is at its first byte is a call's frame and nothing more.
#[inline(never)]
extern "C" fn ours(n: u64) -> u64 {
    std::hint::black_box(n) + 1
}

/// Where a mapping of this process is.
fn own(address: u64) -> Option<Mapping> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let within = |m: &Mapping| m.start() <= address && address - m.start() < m.size();
    maps.lines().filter_map(Mapping::parse).find(within)
}

#[cfg(target_arch = "x86_64")]
fn unwound(registers: &[u8], memory: &[u8], room: usize, most: usize) -> Unwound {
    let copied = Copied { registers, returns: &[], memory, room };
    Unwinder::default().unwind(std::process::id(), &copied, most, &mut own)
}

#[test]
#[cfg(target_arch = "x86_64")]
fn frames_are_left_as_their_file_says() {
    let ip = ours as *const () as u64;
    assert_eq!(ours(1), 2);
    // Where it returns to is in no file, and has a frame pointer.
    let stack = bytes(&[0x500, 0xaaaa, 0x1020, 0xbbbb, 0, 0x600, 0, 0]);
    let of = |bp| unwound(&registers(ip, 0x1000, bp), &stack, stack.len(), 10);
    let all = Unwound { frames: vec![ip, 0x500, 0x600], complete: true, why: None };
    assert_eq!(of(0x1020), all);
    // One that can't be one: it lies below the stack, or nothing is there.
    for bp in [0xff0, 0x1024, 0x9000] {
        let found = of(bp);
        assert_eq!((found.frames, found.complete), (vec![ip, 0x500], false), "{bp:#x}");
        assert_eq!(found.why.as_deref(), Some("it is in no file that says how to unwind it"));
    }
    // Somebody wants to know when it returns.
    let changed = bytes(&[0xdead, 0xaaaa, 0x1020, 0xbbbb, 0, 0x600, 0, 0]);
    let (registers_there, returns) = (registers(ip, 0x1000, 0x1020), bytes(&[0x1000, 0x500, 0, 0]));
    let room = changed.len();
    let copied = Copied { registers: &registers_there, returns: &returns, memory: &changed, room };
    let found = Unwinder::default().unwind(std::process::id(), &copied, 10, &mut own);
    assert_eq!(found, all);
    let few = unwound(&registers(ip, 0x1000, 0x1020), &stack, stack.len(), 2);
    assert_eq!(few, Unwound { frames: vec![ip, 0x500], complete: true, why: None });
}

#[test]
#[cfg(target_arch = "x86_64")]
fn what_a_function_has_put_back() {
    // Its end, of `pop %rbp; ret`: the file says where it was, below the stack by now.
    let Some((tables, offset)) = last_instruction() else { return };
    let step = tables.step(offset).expect("it says how");
    let registers = machine::Registers::of_user(&registers(offset, 0x1000, 0x77));
    let stack = bytes(&[0x500, 0]);
    let memory = machine::Memory::new(Some(0x1000), &stack, stack.len());
    let caller = registers.leave(&step, &tables, &memory).expect("a caller").expect("one");
    assert_eq!((caller.ip(), caller.sp()), (Some(0x500), Some(0x1008)));
}

/// The return of some function of ours that has kept a register, which it has put back.
#[cfg(target_arch = "x86_64")]
fn last_instruction() -> Option<(Tables, u64)> {
    const POP_RBX_RET: [u8; 2] = [0x5b, 0xc3];
    let at = ours as *const () as u64;
    let mapping = own(at)?;
    let path = std::env::current_exe().ok()?;
    let tables = Tables::read(File::open(&path).ok()?)?;
    let mut code = vec![0; 1 << 20];
    let file = File::open(path).ok()?;
    let start = mapping.file_offset(mapping.start());
    let length = file.read_at(&mut code, start).ok()?;
    let mut places = code[..length].windows(2).enumerate().filter(|(_, two)| **two == POP_RBX_RET);
    let place = places.find_map(|(i, _)| {
        let offset = start + i as u64 + 1;
        let step = tables.step(offset)?;
        let kept = gimli::Register(3);
        let saved = step.registers.iter().any(|(register, _)| *register == kept);
        saved.then_some(offset)
    })?;
    Some((tables, place))
}

#[test]
fn frame_pointers_may_know_more() {
    let mut unwound = Unwound { frames: vec![1, 2], complete: false, why: Some(String::new()) };
    let in_file = |address: u64| address < 10;
    let before = unwound.clone();
    unwound.or_longer(vec![1, 2], in_file);
    // Where a chain breaks, anything follows.
    unwound.or_longer(vec![1, 2, 30, 40], in_file);
    assert_eq!(unwound, before);
    unwound.or_longer(vec![1, 20, 3, 40], in_file);
    assert_eq!(unwound, Unwound { frames: vec![1, 20, 3], complete: false, why: None });
}

#[test]
#[cfg(target_arch = "x86_64")]
fn what_is_not_there() {
    let ip = ours as *const () as u64;
    let why = |room| unwound(&registers(ip, 0x1000, 0), &[], room, 10).why;
    assert_eq!(why(0).as_deref(), Some("the stack goes on beyond the 0 bytes of ustackcopy"));
    assert_eq!(why(64).as_deref(), Some("the stack couldn't be read there"));
    let mut narrow = registers(ip, 0x1000, 0);
    narrow[8 * copied::MODE as usize] = 0x23;
    let found = unwound(&narrow, &[0; 64], 64, 10);
    assert_eq!(found.why.as_deref(), Some("only 64-bit programs are unwound"));
    assert_eq!(found.frames, [word(&narrow, 8 * 16)]);
}

#[test]
fn lists_of_linkers_and_ours_say_the_same() {
    let at = ours as *const () as u64;
    let mapping = own(at).expect("a mapping");
    let path = std::env::current_exe().expect("a path");
    let open = || Tables::read(File::open(&path).expect("a file")).expect("an ELF file");
    let (tables, without_list) = (open(), open().without_list());
    let mut known = 0;
    for offset in (0..100_000).step_by(37) {
        let offset = mapping.file_offset(at) + offset;
        let [a, b] = [&tables, &without_list].map(|t| format!("{:?}", t.step(offset)));
        assert_eq!(a, b, "at {offset:#x}");
        known += usize::from(a != "None");
    }
    assert!(known > 1000, "only {known}");
}

#[test]
fn the_kernels_own_code_has_tables() {
    let Some(mapping) = std::fs::read_to_string("/proc/self/maps")
        .ok()
        .and_then(|maps| maps.lines().filter_map(Mapping::parse).find(|m| m.path == VDSO))
    else {
        return;
    };
    let tables = own_vdso().expect("an ELF file");
    assert!((0..mapping.size()).any(|offset| tables.step(offset).is_some()));
}

/// The smallest file with tables that there is here.
fn small_file() -> Vec<u8> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let vdso = maps.lines().filter_map(Mapping::parse).find(|m| m.path == VDSO);
    let mut bytes = vec![0; vdso.as_ref().map_or(0, |m| m.size() as usize)];
    if let (Some(vdso), Ok(memory)) = (vdso, File::open("/proc/self/mem")) {
        let _ = memory.read_exact_at(&mut bytes, vdso.start());
    }
    bytes
}

proptest! {
    #[test]
    fn files_that_are_wrong_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200),
        words in prop::collection::vec(any::<u64>(), copied::REGISTERS as usize),
        stack in prop::collection::vec(0..0x2000u64, 0..64),
    ) {
        let mut file = small_file();
        for (at, byte) in changes {
            if !file.is_empty() {
                let at = at.index(file.len());
                file[at] = byte;
            }
        }
        let registers = machine::Registers::of_user(&bytes(&words));
        let stack = bytes(&stack);
        let memory = machine::Memory::new(registers.sp(), &stack, stack.len());
        if let Some(tables) = Tables::of(&*file) {
            for offset in (0..file.len() as u64).step_by(61) {
                if let Some(step) = tables.step(offset) {
                    let _ = registers.leave(&step, &tables, &memory);
                }
            }
        }
    }
}
