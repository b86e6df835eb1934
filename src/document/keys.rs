//! Where every key of a file stands, and which key came first.
//!
//! The parser's tree keeps one of two keys that are defined twice, without saying where the other is.

use std::collections::BTreeMap;
use std::ops::Range;

/// A key by its whole path. The file itself is [`ROOT`].
pub(super) type Node = usize;

/// The path of the file itself.
pub(super) const ROOT: Node = 0;

/// One step of a path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A key.
    Key(String),
    /// An element of an array, or the inside of a value: told apart by where it begins.
    Inside(usize),
}

#[derive(Debug)]
struct Known {
    parent: Node,
    depth: usize,
    inside: bool,
    first: Range<usize>,
}

/// Every key of a file.
#[derive(Debug, Default)]
pub(super) struct Keys {
    steps: BTreeMap<(Node, Step), Node>,
    known: Vec<Known>,
    at: BTreeMap<usize, Node>,
}

impl Keys {
    /// The key one step below another, which stands here.
    pub(super) fn step(&mut self, parent: Node, step: Step, span: Range<usize>) -> Node {
        let inside = matches!(step, Step::Inside(_));
        let next = self.known.len() + 1;
        let node = *self.steps.entry((parent, step)).or_insert(next);
        if node == next {
            let depth = self.depth(parent) + 1;
            self.known.push(Known { parent, depth, inside, first: span.clone() });
        }
        if !inside {
            self.at.insert(span.start, node);
        }
        node
    }

    /// How many steps it is from the file itself.
    pub(super) fn depth(&self, node: Node) -> usize {
        self.get(node).map_or(0, |known| known.depth)
    }

    /// Where the key at this byte was defined before, if it was.
    pub(super) fn earlier(&self, start: usize) -> Option<Range<usize>> {
        let first = &self.get(*self.at.get(&start)?)?.first;
        (first.start < start).then(|| first.clone())
    }

    /// The innermost array element that the key is in, the key itself included, and where that element begins.
    pub(super) fn element_of(&self, mut node: Node) -> Option<(Node, Range<usize>)> {
        while let Some(known) = self.get(node) {
            if known.inside {
                return Some((node, known.first.clone()));
            }
            node = known.parent;
        }
        None
    }

    /// Whether a key is this one or below it.
    pub(super) fn is_within(&self, mut node: Node, outer: Node) -> bool {
        while node != outer {
            match self.get(node) {
                Some(known) => node = known.parent,
                None => return false,
            }
        }
        true
    }

    fn get(&self, node: Node) -> Option<&Known> {
        self.known.get(node.checked_sub(1)?)
    }
}
