//! What stands beside the report of a cycle: pages of their own, and sections with rules of their own.

pub(super) mod belts;
pub(super) mod controls;
pub(super) mod leavers;
pub(super) mod why;
