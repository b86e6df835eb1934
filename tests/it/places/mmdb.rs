//! A writer of databases in MaxMind's format, small and plain: any schema, any width, and files that are wrong on purpose.
//!
//! Written from the format's specification, version 2.0, so that reader and writer share no code.

use std::net::IpAddr;

/// A value of the data section.
#[derive(Clone)]
pub enum Value {
    Map(Vec<(&'static str, Value)>),
    List(Vec<Value>),
    Text(&'static str),
    Double(f64),
    Float(f32),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    I32(i32),
    Truth(bool),
    /// A pointer to this offset of the data section.
    Pointer(u32),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

pub use Value::{Double, Float, I32, List, Map, Pointer, Raw, Text, Truth, U16, U32, U64, U128};

impl Value {
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Map(entries) => {
                header(7, entries.len(), out);
                for (key, value) in entries {
                    Text(key).write(out);
                    value.write(out);
                }
            }
            List(values) => {
                header(11, values.len(), out);
                for value in values {
                    value.write(out);
                }
            }
            Text(text) => payload(2, text.as_bytes(), out),
            Double(real) => payload(3, &real.to_be_bytes(), out),
            Float(real) => payload(15, &real.to_be_bytes(), out),
            U16(number) => payload(5, short(&number.to_be_bytes()), out),
            U32(number) => payload(6, short(&number.to_be_bytes()), out),
            U64(number) => payload(9, short(&number.to_be_bytes()), out),
            U128(number) => payload(10, short(&number.to_be_bytes()), out),
            I32(number) => payload(8, &number.to_be_bytes(), out),
            Truth(truth) => header(14, usize::from(*truth), out),
            Pointer(to) => {
                out.push(0b0011_1000);
                out.extend(to.to_be_bytes());
            }
            Raw(bytes) => out.extend(bytes),
        }
    }
}

/// Leading zeros are left out.
fn short(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..]
}

fn payload(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    header(kind, bytes.len(), out);
    out.extend(bytes);
}

fn header(kind: u8, size: usize, out: &mut Vec<u8>) {
    let (first, rest) = match size {
        0..29 => (u8::try_from(size).unwrap(), vec![]),
        29..285 => (29, vec![u8::try_from(size - 29).unwrap()]),
        285..65_821 => (30, u16::try_from(size - 285).unwrap().to_be_bytes().to_vec()),
        _ => (31, u32::try_from(size - 65_821).unwrap().to_be_bytes()[1..].to_vec()),
    };
    match kind {
        0..8 => out.push(kind << 5 | first),
        _ => out.extend([first, kind - 7]),
    }
    out.extend(rest);
}

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database to be written.
#[derive(Clone)]
pub struct Mmdb {
    kind: &'static str,
    built: u64,
    ip_version: u16,
    record_size: u16,
    nodes: Vec<[Child; 2]>,
    data: Vec<u8>,
}

impl Mmdb {
    /// Of this type, built at this second; for both families.
    pub fn new(kind: &'static str, built: u64) -> Self {
        Self { kind, built, ip_version: 6, record_size: 24, nodes: vec![[Child::Nothing; 2]], data: Vec::new() }
    }

    /// For IPv4 alone.
    pub fn v4_only(mut self) -> Self {
        self.ip_version = 4;
        self
    }

    /// With so many bits in a record of the tree.
    pub fn record_size(mut self, bits: u16) -> Self {
        self.record_size = bits;
        self
    }

    /// With a record for a network. Narrower ones come after wider ones.
    pub fn with(mut self, network: &str, value: &Value) -> Self {
        let offset = self.data.len();
        value.write(&mut self.data);
        let (address, prefix) = network.split_once('/').unwrap();
        let prefix: u32 = prefix.parse().unwrap();
        let (bits, prefix) = match (address.parse().unwrap(), self.ip_version) {
            (IpAddr::V4(address), 4) => (u128::from(u32::from(address)) << 96, prefix),
            (IpAddr::V4(address), _) => (u128::from(u32::from(address)), prefix + 96),
            (IpAddr::V6(address), _) => (u128::from(address), prefix),
        };
        let mut node = 0;
        for depth in 0..prefix {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == prefix {
                self.nodes[node][side] = Child::Data(offset);
                break;
            }
            node = match self.nodes[node][side] {
                Child::Node(next) => next,
                before => {
                    self.nodes.push([before; 2]);
                    self.nodes[node][side] = Child::Node(self.nodes.len() - 1);
                    self.nodes.len() - 1
                }
            };
        }
        self
    }

    /// The data section as it is, for records that point into it.
    pub fn data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }

    /// Every branch of the first node leads back to it.
    pub fn in_a_circle(mut self) -> Self {
        self.nodes[0] = [Child::Node(0); 2];
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        self.with_metadata(|_| {})
    }

    /// The file, with its metadata changed.
    pub fn with_metadata(&self, change: impl FnOnce(&mut Vec<(&'static str, Value)>)) -> Vec<u8> {
        let count = self.nodes.len();
        let mut out = Vec::new();
        for node in &self.nodes {
            let [left, right] = node.map(|child| match child {
                Child::Nothing => count,
                Child::Node(node) => node,
                Child::Data(offset) => count + 16 + offset,
            });
            let [left, right] = [left, right].map(|record| u32::try_from(record).unwrap().to_be_bytes());
            match self.record_size {
                24 => out.extend([&left[1..], &right[1..]].concat()),
                28 => out.extend([&left[1..], &[left[0] << 4 | right[0]], &right[1..]].concat()),
                _ => out.extend([left, right].concat()),
            }
        }
        out.extend([0; 16]);
        out.extend(&self.data);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        let mut metadata = vec![
            ("node_count", U32(u32::try_from(count).unwrap())),
            ("record_size", U16(self.record_size)),
            ("ip_version", U16(self.ip_version)),
            ("database_type", Text(self.kind)),
            ("languages", List(vec![Text("en")])),
            ("binary_format_major_version", U16(2)),
            ("binary_format_minor_version", U16(0)),
            ("build_epoch", U64(self.built)),
            ("description", Map(vec![("en", Text("made by a test"))])),
        ];
        change(&mut metadata);
        Map(metadata).write(&mut out);
        out
    }
}
