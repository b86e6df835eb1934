//! Placeholder for now, two lines.
