//! Packets that `pcap()` took, as capture files have them.
//!
//! In: link type, time, length and bytes. Out: libpcap's file format with nanoseconds.

use std::io::{self, Write};

/// Says that times are in nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;

/// libpcap's name for a plain IP packet in programs, and the number that files have.
const RAW: (u32, u32) = (12, 101);

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Bytes that it has.
    pub length: u32,
    /// As many of them as were taken.
    pub bytes: &'a [u8],
}

/// What a file begins with.
pub fn header(out: &mut dyn Write, link_type: u32, most: u32) -> io::Result<()> {
    let link_type = if link_type == RAW.0 { RAW.1 } else { link_type };
    // Version 2.4, no offset from UTC, no accuracy.
    for word in [MAGIC, 2 | 4 << 16, 0, 0, most, link_type] {
        out.write_all(&word.to_le_bytes())?;
    }
    Ok(())
}

impl Packet<'_> {
    /// Writes it behind others.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        const SECOND: u64 = 1_000_000_000;
        let (seconds, rest) = (self.time / SECOND, self.time % SECOND);
        for word in [seconds as u32, rest as u32, self.bytes.len() as u32, self.length] {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_one_packet() {
        let mut file = Vec::new();
        assert!(header(&mut file, 12, 64).is_ok());
        let packet = Packet { time: 3_000_000_005, length: 90, bytes: &[0x45, 0] };
        assert!(packet.write(&mut file).is_ok());
        assert_eq!(file.len(), 24 + 16 + 2);
        assert_eq!(file[20..24], 101u32.to_le_bytes());
        assert_eq!(file[24..32], [3, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(file[32..40], [2, 0, 0, 0, 90, 0, 0, 0]);
    }
}
