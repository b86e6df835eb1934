//! Nouns of what was seen of people: sightings, the places they name, and the programs that were used there.

mod classes;
mod client;
mod country;
mod place;
mod sighting;
mod token;

pub use classes::Classes;
pub use client::{Client, ClientKind, Version};
pub use country::COUNTRY_CODES;
pub use place::{ClassAnswers, ClassSet, Continent, Coordinates, Country, Database, Found, NetworkClass, Place};
pub use sighting::{Act, Seen, Sighting, SourceStanding};
pub use token::{OauthToken, TOKENS_PER_PERSON_MAX, TokensSeen};
