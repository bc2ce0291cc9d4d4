//! Lists with a limit, read without trusting the sender's count.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::text::TextError;

/// At most `N` values of `T`. Memory grows with what really arrives, never with
/// the count a frame claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const N: usize>(Vec<T>);

impl<T, const N: usize> List<T, N> {
    /// Takes a vector.
    ///
    /// # Errors
    /// When it holds more than `N` values.
    pub fn new(values: Vec<T>) -> Result<Self, TextError> {
        if values.len() > N { Err(TextError::TooLong("a list", N)) } else { Ok(Self(values)) }
    }

    /// Takes the first `N` values and drops the rest: for lists that only inform.
    pub fn clip(values: impl IntoIterator<Item = T>) -> Self {
        Self(values.into_iter().take(N).collect())
    }

    /// Takes the vector out.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    /// Mutable access to the values, for scrubbing.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const N: usize> std::ops::Deref for List<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for List<T, N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Bounded<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Bounded<T, N> {
            type Value = List<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {N} values")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    if values.len() == N {
                        return Err(A::Error::custom("too many values"));
                    }
                    values.push(value);
                }
                Ok(List(values))
            }
        }
        d.deserialize_seq(Bounded(PhantomData))
    }
}
