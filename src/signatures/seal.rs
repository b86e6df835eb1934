//! One signature in OpenSSH's armored format: whose key made it, over which bytes, and whether it is whole.
//!
//! Formats are read by `ssh-key`; the arithmetic is that of the library with which connections are encrypted.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, SshSig};

/// What a signature of a manifest is made for (`ssh-keygen -n`): one made for anything else counts for nothing.
pub const NAMESPACE: &str = "evictd-policies";

/// No signature file is larger, in bytes.
pub const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

/// Bytes behind the signature of a hardware key: flags and a counter.
const TOKEN_BYTES: usize = 5;

/// The flag of a hardware key that somebody touched it.
const TOUCHED: u8 = 1;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The key that made this signature over these bytes; else why it counts for nothing.
pub(super) fn key_of(armor: &[u8], message: &[u8]) -> Result<KeyData, String> {
    let text = str::from_utf8(armor).map_err(|_error| "it is not text")?;
    let whole = text.trim_ascii_end();
    if !whole.starts_with(BEGIN) || !whole.ends_with(END) || whole.matches("-----BEGIN").count() != 1 {
        return Err("it is not one armored SSH signature and nothing else".to_owned());
    }
    let seal = SshSig::from_pem(whole).map_err(|error| format!("it cannot be read: {error}"))?;
    // The reader takes lengths that do not fit; written again such a signature is another text. Of hardware keys on a curve
    // it writes another form than it reads.
    let is_as_written = || seal.to_pem(LineEnding::LF).is_ok_and(|text| text.lines().eq(whole.lines()));
    if seal.algorithm() != Algorithm::SkEcdsaSha2NistP256 && !is_as_written() {
        return Err("it cannot be read: it is not as OpenSSH writes it".to_owned());
    }
    if seal.version() != SshSig::VERSION || !seal.reserved().is_empty() {
        return Err("it is of another version of the format".to_owned());
    }
    if seal.namespace() != NAMESPACE {
        return Err(format!("it was made for another purpose: sign with `-n {NAMESPACE}`"));
    }
    let signed = SshSig::signed_data(NAMESPACE, seal.hash_alg(), message).map_err(|error| error.to_string())?;
    check(&seal, &signed)?;
    Ok(seal.public_key().clone())
}

/// The key as it is shown, such as `SHA256:…`.
pub(super) fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether keys of this kind may sign at all; else why not.
pub(super) fn is_good_key(key: &KeyData) -> Result<(), String> {
    match key {
        KeyData::Ed25519(_) | KeyData::SkEd25519(_) | KeyData::Ecdsa(_) | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(key) => match key.n.as_positive_bytes().map_or(0, <[u8]>::len) * 8 {
            2048..=8192 => Ok(()),
            _ => Err("an RSA key must have 2048 to 8192 bits".to_owned()),
        },
        other => Err(format!("keys of the kind `{}` are not taken", other.algorithm().as_str())),
    }
}

/// Whether the signature is that of its key over these bytes.
fn check(seal: &SshSig, signed: &[u8]) -> Result<(), String> {
    let key = seal.public_key();
    is_good_key(key)?;
    let (bytes, algorithm) = (seal.signature_bytes(), seal.algorithm());
    let is_good = match key {
        KeyData::Rsa(key) => by_rsa(key, &algorithm, signed, bytes),
        _ if algorithm != key.algorithm() => Some(false),
        KeyData::Ed25519(key) => Some(is_signed(&ED25519, &key.0, signed, bytes)),
        KeyData::Ecdsa(key) => by_curve(key.curve(), key.as_sec1_bytes(), signed, bytes),
        KeyData::SkEd25519(key) => {
            let (signed, bytes) = by_token(key.application(), signed, bytes)?;
            Some(is_signed(&ED25519, &key.public_key().0, &signed, bytes))
        }
        KeyData::SkEcdsaSha2NistP256(key) => {
            let (signed, bytes) = by_token(key.application(), signed, bytes)?;
            by_curve(EcdsaCurve::NistP256, key.ec_point().as_bytes(), &signed, bytes)
        }
        _ => None,
    };
    if is_good == Some(true) { Ok(()) } else { Err("it is not a signature of this manifest by its key".to_owned()) }
}

fn is_signed(by: &'static dyn VerificationAlgorithm, key: &[u8], signed: &[u8], bytes: &[u8]) -> bool {
    UnparsedPublicKey::new(by, key).verify(signed, bytes).is_ok()
}

fn by_rsa(key: &RsaPublicKey, algorithm: &Algorithm, signed: &[u8], bytes: &[u8]) -> Option<bool> {
    let by: &RsaParameters = match algorithm {
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) } => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) } => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    let key = RsaPublicKeyComponents { n: key.n.as_positive_bytes()?, e: key.e.as_positive_bytes()? };
    Some(key.verify(by, signed, bytes).is_ok())
}

/// The two numbers of the signature stand side by side there, each as long as the curve's field.
fn by_curve(curve: EcdsaCurve, key: &[u8], signed: &[u8], bytes: &[u8]) -> Option<bool> {
    let (by, length): (&'static dyn VerificationAlgorithm, usize) = match curve {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => (&ECDSA_P521_SHA512_FIXED, 66),
    };
    let (first, rest) = number(bytes)?;
    let (second, rest) = number(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut both = Vec::new();
    for one in [first, second] {
        both.resize(both.len() + length.checked_sub(one.len())?, 0);
        both.extend_from_slice(one);
    }
    Some(is_signed(by, key, signed, &both))
}

/// Takes a number off the front: its length in four bytes, then its bytes, the most significant first and without zeros
/// before them.
fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    Some((number.get(zeros..)?, rest))
}

/// What a hardware key really signs, and its bare signature. Somebody must have touched it: a key that is merely plugged
/// in would sign for whoever has the computer.
fn by_token<'b>(application: &str, signed: &[u8], bytes: &'b [u8]) -> Result<(Vec<u8>, &'b [u8]), String> {
    let split = bytes.len().checked_sub(TOKEN_BYTES).and_then(|at| bytes.split_at_checked(at));
    let (bare, token) = split.ok_or("it is cut off")?;
    if token.first().is_none_or(|flags| flags & TOUCHED == 0) {
        return Err("it was made by a hardware key that nobody touched".to_owned());
    }
    let (of, over) = (HashAlg::Sha256.digest(application.as_bytes()), HashAlg::Sha256.digest(signed));
    Ok(([of.as_slice(), token, over.as_slice()].concat(), bare))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use ssh_key::Signature;
    use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, SkEcdsaSha2NistP256, SkEd25519};

    use super::*;

    const APPLICATION: &str = "ssh:";

    /// What a hardware key signs of this, and what it appends.
    fn by_hardware(signed: &[u8], flags: u8) -> (Vec<u8>, [u8; TOKEN_BYTES]) {
        let token = [flags, 0, 0, 0, 9];
        let (of, over) = (HashAlg::Sha256.digest(APPLICATION.as_bytes()), HashAlg::Sha256.digest(signed));
        ([of.as_slice(), &token, over.as_slice()].concat(), token)
    }

    fn checked(key: KeyData, algorithm: Algorithm, bytes: Vec<u8>, signed: &[u8]) -> Result<(), String> {
        let bare = Signature::new(algorithm, bytes).unwrap();
        check(&SshSig::new(key, NAMESPACE, HashAlg::Sha512, bare).unwrap(), signed)
    }

    #[test]
    fn a_hardware_key_counts_if_somebody_touched_it() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = Ed25519PublicKey(pair.public_key().as_ref().try_into().unwrap());
        let key = || KeyData::SkEd25519(SkEd25519::new(public, APPLICATION));
        let sign = |flags| {
            let (data, token) = by_hardware(b"text", flags);
            [pair.sign(&data).as_ref(), &token].concat()
        };
        let check = |bytes, signed| checked(key(), Algorithm::SkEd25519, bytes, signed);
        assert_eq!(check(sign(TOUCHED), b"text"), Ok(()));
        assert_eq!(check(sign(5), b"text"), Ok(()), "with a PIN too");
        assert!(check(sign(TOUCHED), b"other").unwrap_err().contains("not a signature"));
        assert!(check(sign(4), b"text").unwrap_err().contains("nobody touched"));
        let mut raised = sign(4);
        raised[64] = 5;
        assert!(check(raised, b"text").unwrap_err().contains("not a signature"), "flags are signed");
    }

    #[test]
    fn so_does_one_on_a_curve() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let EcdsaPublicKey::NistP256(point) = EcdsaPublicKey::from_sec1_bytes(pair.public_key().as_ref()).unwrap()
        else {
            panic!("another curve");
        };
        let key = || KeyData::SkEcdsaSha2NistP256(SkEcdsaSha2NistP256::new(point, APPLICATION));
        let (data, token) = by_hardware(b"text", TOUCHED);
        let fixed = pair.sign(&random, &data).unwrap();
        let mut bytes = Vec::new();
        for half in fixed.as_ref().chunks(32) {
            let number = ssh_key::Mpint::from_positive_bytes(half).unwrap();
            bytes.extend(u32::try_from(number.as_bytes().len()).unwrap().to_be_bytes());
            bytes.extend(number.as_bytes());
        }
        bytes.extend(token);
        let algorithm = Algorithm::SkEcdsaSha2NistP256;
        assert_eq!(checked(key(), algorithm.clone(), bytes.clone(), b"text"), Ok(()));
        assert!(checked(key(), algorithm, bytes, b"other").is_err());
    }
}
