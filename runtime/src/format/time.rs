//! Times of `%Y` and `%T`, in local time.

/// `1973 Dec  3 17:20:00`
pub fn year(ns: i64) -> String {
    match local(ns.div_euclid(1_000_000_000)) {
        Some(tm) => format!(
            "{} {} {:2} {:02}:{:02}:{:02}",
            tm.tm_year + 1900,
            MONTHS[tm.tm_mon.rem_euclid(12) as usize],
            tm.tm_mday,
            tm.tm_hour,
            tm.tm_min,
            tm.tm_sec
        ),
        None => String::new(),
    }
}

/// RFC 822: `Mon, 03 Dec 1973 17:20:00 UTC`
pub fn rfc822(ns: i64) -> String {
    let Some(tm) = local(ns.div_euclid(1_000_000_000)) else { return String::new() };
    let mut buffer = [0u8; 64];
    // SAFETY: the buffer's length is passed with it, the format is NUL-terminated, and
    // `tm` was filled in by localtime_r.
    let n = unsafe {
        libc::strftime(
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            c"%a, %d %b %G %T %Z".as_ptr(),
            &tm,
        )
    };
    String::from_utf8_lossy(&buffer[..n]).into_owned()
}

/// C's `__DATE__` and `__TIME__`: `Dec  3 1973` and `17:20:00`.
pub fn today() -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let text = year(now.map_or(0, |d| d.as_nanos() as i64));
    let (date, clock) = text.rsplit_once(' ').unwrap_or_default();
    let (year, day) = date.split_once(' ').unwrap_or_default();
    (format!("{day} {year}"), clock.to_owned())
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn local(seconds: i64) -> Option<libc::tm> {
    let mut tm = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to valid, live values; `tm` is all integers and a pointer
    // for which zero is valid, and localtime_r fills it in or returns NULL.
    let ok = unsafe { !libc::localtime_r(&seconds, tm.as_mut_ptr()).is_null() };
    // SAFETY: zeroed above, then written by localtime_r.
    ok.then(|| unsafe { tm.assume_init() })
}
