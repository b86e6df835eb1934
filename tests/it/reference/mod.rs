//! A second reading of the documentation: random worlds and laws, judged and belted as plainly as it can be written.
//!
//! Nothing here calls the real evaluator, planner or guard; only nouns of the model and the snapshot's plain structs are
//! taken, so that a mistake has to be made twice, in two ways, to pass. `spots` and `signs` pin the reading itself to the
//! examples of the documentation, `properties` to what must hold in every world.

mod belts;
mod changes;
mod hearsay;
mod invariants;
mod judge;
mod law;
mod leavers;
mod logic;
mod places;
mod print;
mod properties;
mod real;
mod redacted;
mod sights;
mod signs;
mod spots;
mod world;

pub use belts::{Act, Belt, Expected, Revoke, expect};
pub use judge::{State, Verdict};
pub use law::Law;
pub use world::World;

use fastrand::Rng;

/// The world and the law of a seed, which every failure must print.
pub fn scene(seed: u64) -> (World, Law) {
    let mut rng = Rng::with_seed(seed);
    let mut world = World::random(&mut rng);
    let law = Law::random(&mut rng, world.now);
    for rule in &law.rules {
        if chance(&mut rng, 20) {
            let own = [(); 3].map(|()| pick(&mut rng, &[None, Some(0), Some(1), Some(3), Some(40)]));
            world.limits.own.insert(rule.id.clone(), own);
        }
    }
    (world, law)
}

/// One of these.
fn pick<T: Clone>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())].clone()
}

/// True so many times in a hundred.
fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(..100) < percent
}
