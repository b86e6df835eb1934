//! evictd watches the sign-in sessions of Zendesk accounts, judges each against policies, and revokes the risky ones.
//!
//! # One cycle
//!
//! ```text
//! gather → evidence → evaluate → plan → guard → enforce → grade → report
//! ```
//!
//! Everything from *evidence* to *guard* is pure: the same input and the same `now` give the same bytes. Dry run and
//! enforcement are one path; only what guard clears differs.
//!
//! # Rooms and ranks
//!
//! A room imports rooms of lower rank only (`tests/it/house.rs` enforces it); the list below is in order of rank.
//!
//! # Invariants
//!
//! Unknown never revokes. Nothing happens that was not written down before. Only [`guard`] can make a `Cleared`; only
//! [`enforce`] can spend one, and spending writes the intent first. Half a policy set is never in force. A credential
//! goes to its account's own host and nowhere else.

// The nouns.
pub mod model;

// What people write, and what is wrong with it; when to look; what lists say; what the trail says.
pub mod address;
pub mod calendar;
pub mod clients;
pub mod diagnostic;
pub mod document;
pub mod record;

// What the operator wants; what gather saw.
pub mod config;
pub mod snapshot;

// What earlier cycles saw.
pub mod memory;

// Judging, in the order of a cycle: pure.
pub mod evidence;

pub mod facts;

pub mod policy;

pub mod change;

pub mod signatures;

pub mod evaluate;

pub mod plan;

pub mod guard;

pub mod grade;

pub mod watch;

// Telling: pure.
pub mod report;

pub mod chronicle;

pub mod alert;

// Effects: thin.
pub mod clock;
pub mod directory;
pub mod feeds;
pub mod files;
pub mod lists;
pub mod places;
pub mod state;
pub mod trail;
pub mod zendesk;

pub mod courier;
pub mod library;

pub mod gather;

pub mod enforce;

// The application.
pub mod control;
pub mod cycle;

pub mod daemon;

pub mod simulator;

pub mod cli;
