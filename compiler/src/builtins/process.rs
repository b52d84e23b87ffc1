//! x
use super::*;
pub(super) const VARIABLES: &[Variable] = &[];
