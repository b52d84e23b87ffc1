//! Names as they were written.
//!
//! In: a symbol of a user program. Out: what C++ or Rust has for it, if its compiler has made the
//! symbol of that; else the symbol. Only what begins as such symbols do is looked at: C++ encodes
//! its types as well, and to it a C function `i` is an `int`.

/// How all symbols of C++ begin; clones and the like add to the end.
const CXX: &str = "_Z";

/// The name.
pub fn demangled(symbol: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(symbol) {
        return format!("{name:#}");
    }
    let cxx = Some(symbol).filter(|s| s.starts_with(CXX));
    let name = cxx.and_then(|s| cpp_demangle::Symbol::new(s).ok()?.demangle().ok());
    name.unwrap_or_else(|| symbol.to_owned())
}

#[cfg(test)]
mod tests {
    use super::demangled;

    #[test]
    fn only_what_is_mangled() {
        assert_eq!(demangled("_ZN3net7connectEi"), "net::connect(int)");
        assert_eq!(demangled("_RNvNtCs1234_3net3tcp6listen"), "net::tcp::listen");
        for name in ["i", "t", "St", "main", "_start", "_Zebra"] {
            assert_eq!(demangled(name), name);
        }
    }
}
