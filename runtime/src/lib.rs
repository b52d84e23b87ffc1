//! The runtime: from a D script on the command line to text on the terminal.
//!
//! In: arguments, scripts, the running kernel. Out: what the script prints, and an exit
//! status. It knows nothing of D's syntax, and how records look only from the manifest.

pub mod absent;
pub mod aggregation;
pub mod attach;
pub mod build;
pub mod changed;
pub mod cli;
pub mod consume;
pub mod demangle;
pub mod dtrace;
pub mod error;
pub mod executed;
pub mod feature;
pub mod features;
pub mod first_line;
pub mod flow;
pub mod format;
pub mod header;
pub mod kernel;
pub mod libraries;
pub mod link;
pub mod list;
pub mod load;
pub mod mappings;
pub mod maps;
pub mod misses;
pub mod module_file;
pub mod native;
pub mod open_files;
pub mod options;
pub mod output;
pub mod packet;
pub mod perf;
pub mod preflight;
pub mod preprocess;
pub mod probe;
pub mod process;
pub mod processors;
pub mod program;
pub mod provider;
pub mod record;
pub mod room;
pub mod run;
pub mod session;
pub mod speculation;
pub mod startup;
pub mod symbolize;
pub mod symbols;
pub mod tick;
pub mod tracefs;
pub mod untraceable;
pub mod unwind;
pub mod user;
