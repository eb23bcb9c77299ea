//! The codings themselves, each behind the same few calls.

use std::fmt;
use std::io::{self, Write};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::write::GzEncoder;
use zstd::zstd_safe::CParameter;

use crate::codings::Coding;

/// How far back the codings look, as powers of two: a bound for the memory of each stream, here and at the client. With 16 brotli
/// takes other tables from its level 5 on, which cost milliseconds for every answer.
const BROTLI_WINDOW: i32 = 17;
const BROTLI_BLOCK: i32 = 16;
const ZSTD_WINDOW: u32 = 17;
/// For an input of unknown length zstd has tables of up to 10 MiB, whatever the window.
const ZSTD_TABLES: [CParameter; 2] = [CParameter::HashLog(17), CParameter::ChainLog(16)];
/// What a coding's own buffer takes at once.
const BUFFER: usize = 4096;

/// The levels of gzip, brotli and zstd for each of ours: about as much work beside each other, and none that takes more than 4 MiB.
const LEVELS: [(u32, i32, i32); 9] =
    [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 3, 3), (5, 4, 3), (6, 5, 5), (7, 5, 6), (8, 6, 7), (9, 6, 9)];

/// Bytes on their way through a coding.
pub(super) enum Encoder {
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

impl Encoder {
    /// For `length` bytes, if that is known: more or fewer are an error then.
    pub(super) fn new(coding: Coding, level: u32, length: Option<usize>) -> io::Result<Self> {
        let place = usize::try_from(level).unwrap_or(usize::MAX).clamp(1, LEVELS.len()) - 1;
        let (gzip, brotli, zstd) = LEVELS[place];
        let output = Vec::with_capacity(length.unwrap_or_default() / 3);
        Ok(match coding {
            Coding::Gzip => Self::Gzip(Box::new(GzEncoder::new(output, flate2::Compression::new(gzip)))),
            Coding::Brotli => {
                let params = BrotliEncoderParams {
                    quality: brotli,
                    lgwin: BROTLI_WINDOW,
                    lgblock: BROTLI_BLOCK,
                    size_hint: length.unwrap_or_default(),
                    ..BrotliEncoderParams::default()
                };
                Self::Brotli(Box::new(CompressorWriter::with_params(output, BUFFER, &params)))
            }
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(output, zstd)?;
                encoder.window_log(ZSTD_WINDOW)?;
                if let Some(length) = length {
                    // Small inputs get small tables.
                    encoder.set_pledged_src_size(Some(length as u64))?;
                } else {
                    for bound in ZSTD_TABLES {
                        encoder.set_parameter(bound)?;
                    }
                }
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    /// All of `bytes` at once.
    pub(super) fn encode(coding: Coding, level: u32, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = Self::new(coding, level, Some(bytes.len()))?;
        encoder.write(bytes)?;
        encoder.finish()
    }

    /// Puts bytes in; some of the output may be there behind it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer().write_all(bytes)
    }

    /// Makes the output so complete that a decoder gives all that has been put in.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }

    /// The output that is there; what is taken out of it does not come again.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        }
    }

    /// Puts the mark at the end; gives the output that has not been taken.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Brotli(encoder) => encoder,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brotli(_) => "Brotli",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
