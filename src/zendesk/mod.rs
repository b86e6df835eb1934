//! Zendesk's API as evictd needs it: verbs, sign-in, transport, request budget, wire formats.
//!
//! The only room that names `reqwest`. Everything above it sees sessions, people and [`Trouble`].

mod transport;

pub use transport::{Lost, Method, Request, Response, Transport};
