//! A second reading of the documentation.
