//! HMAC-SHA256 (RFC 2104): what proves to whoever has the key that a text is ours.

use sha2::{Digest, Sha256};

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// The HMAC-SHA256 of this text under this key, in lower-case hexadecimal.
pub fn hmac_sha256_hex(key: &[u8], text: &[u8]) -> String {
    let hashed = Sha256::digest(key);
    let key = if key.len() > BLOCK { hashed.as_slice() } else { key };
    let padded = |pad: u8| key.iter().copied().chain(std::iter::repeat(0)).take(BLOCK).map(move |byte| byte ^ pad);
    let inner = Sha256::digest(padded(0x36).chain(text.iter().copied()).collect::<Vec<u8>>());
    hex::encode(Sha256::digest(padded(0x5c).chain(inner).collect::<Vec<u8>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2, 3 and 6.
    #[test]
    fn published_vectors_agree() {
        for (key, text, mac) in [
            (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hmac_sha256_hex(&key, &text), mac);
        }
    }
}
