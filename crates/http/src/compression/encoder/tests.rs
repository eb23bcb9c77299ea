use std::io::Read;

use super::*;

/// What a client makes of so much of an answer: what it can decode, and whether the end is there.
pub(crate) fn decode(coding: Coding, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut decoder: Box<dyn Read + '_> = match coding {
        Coding::Brotli => Box::new(brotli::Decompressor::new(bytes, 4096)),
        Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Coding::Zstd => Box::new(zstd::Decoder::new(bytes).unwrap()),
    };
    let mut decoded = Vec::new();
    let mut buffer = [0; 1000];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return (decoded, true),
            Ok(count) => decoded.extend_from_slice(&buffer[..count]),
            Err(_) => return (decoded, false),
        }
    }
}

/// Text that repeats itself, as pages do, but not too much.
pub(crate) fn text(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("<li class=\"item-{}\">{}</li>\n", state >> 29, state >> 20)
    };
    let mut text = Vec::with_capacity(length + 40);
    while text.len() < length {
        text.extend_from_slice(word().as_bytes());
    }
    text.truncate(length);
    text
}

/// What cannot be made smaller.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(byte).collect()
}

#[test]
fn whatever_goes_in_comes_out_again() {
    for coding in Coding::ALL {
        for level in 0..=10 {
            for length in [0, 1, 1024, 10_000, 200_000] {
                let text = text(length);
                let encoded = Encoder::encode(coding, level, &text).unwrap();
                let name = format!("{coding:?} {level} {length}");
                assert_eq!(decode(coding, &encoded), (text, true), "{name}");
                assert!(encoded.len() < 30 + length / 3, "{name}: {}", encoded.len());
            }
        }
    }
}

#[test]
fn what_has_been_flushed_can_be_read_without_the_rest() {
    let text = text(5_000);
    for coding in Coding::ALL {
        let mut encoder = Encoder::new(coding, 5, None).unwrap();
        let mut output = Vec::new();
        for (place, piece) in text.chunks(501).enumerate() {
            encoder.write(piece).unwrap();
            encoder.flush().unwrap();
            output.append(encoder.output());
            let end = text.len().min((place + 1) * 501);
            let (decoded, is_whole) = decode(coding, &output);
            assert!(decoded == text[..end] && !is_whole, "{coding:?} {place}");
        }
        output.extend_from_slice(&encoder.finish().unwrap());
        assert_eq!(decode(coding, &output), (text.clone(), true));
    }
}

#[test]
fn nothing_at_all_is_whole_too() {
    for coding in Coding::ALL {
        let encoder = Encoder::new(coding, 5, None).unwrap();
        assert_eq!(decode(coding, &encoder.finish().unwrap()), (Vec::new(), true), "{coding:?}");
    }
}
