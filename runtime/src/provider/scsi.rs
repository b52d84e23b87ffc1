//! `scsi`: the life of a SCSI command: dispatched to the driver of its host, then done, or
//! timed out; or refused by the driver.
//!
//! In: tracepoints of the SCSI layer, which may be a module. Each passes the kernel's own
//! `struct scsi_cmnd *`, from which the device and the request are found (`stdlib/scsi.d`).

use super::derived::{Arg, Derived, Entry, Source, plain};
use super::stability::Promise;

const COMMAND: [Arg; 3] = [
    plain(0, "struct scsi_cmnd *"),
    plain(1, "struct scsi_device *"),
    plain(2, "struct request *"),
];

/// And what the driver said.
const REFUSED: [Arg; 4] = {
    let [command, device, request] = COMMAND;
    [command, device, request, plain(3, "int")]
};

const OF_COMMAND: &[&str] = &[
    "arg0",
    "(uintptr_t)((struct scsi_cmnd *)arg0)->device",
    "(uintptr_t)_scsi_request[(struct scsi_cmnd *)arg0]",
];

const OF_REFUSED: &[&str] = &[
    "arg0",
    "(uintptr_t)((struct scsi_cmnd *)arg0)->device",
    "(uintptr_t)_scsi_request[(struct scsi_cmnd *)arg0]",
    "(int)arg1",
];

const fn command(event: &'static str) -> [Source; 1] {
    [Source::tracepoint(event).args(OF_COMMAND)]
}

/// The provider.
pub static SCSI: Derived = Derived {
    name: "scsi",
    first: 440,
    promise: Promise::KERNEL_ARGS,
    probes: &[
        Entry {
            name: "dispatch-start",
            args: &COMMAND,
            alternatives: &[&command("scsi_dispatch_cmd_start")],
        },
        Entry {
            name: "dispatch-done",
            args: &COMMAND,
            alternatives: &[&command("scsi_dispatch_cmd_done")],
        },
        Entry {
            name: "dispatch-error",
            args: &REFUSED,
            alternatives: &[&[Source::tracepoint("scsi_dispatch_cmd_error").args(OF_REFUSED)]],
        },
        Entry {
            name: "dispatch-timeout",
            args: &COMMAND,
            alternatives: &[&command("scsi_dispatch_cmd_timeout")],
        },
    ],
};
