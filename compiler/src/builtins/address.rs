//! x
use super::*;
pub(super) const SUBROUTINES: &[Subroutine] = &[];
