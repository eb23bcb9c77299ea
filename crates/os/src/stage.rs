/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// No worker uses the slot.
    Free,
    /// Forked, the application is not loaded yet.
    Starting,
    /// Serving.
    Ready,
    /// Finishes what it has, takes nothing new.
    Retiring,
}

impl Stage {
    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Retiring,
            _ => Self::Free,
        }
    }
}
