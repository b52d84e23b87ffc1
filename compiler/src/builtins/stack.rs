//! x
use super::*;
pub(super) const SUBROUTINES: &[Subroutine] = &[];
pub(super) const VARIABLES: &[Variable] = &[];
