//! What a drop leaves to be done: a call was cancelled, and something on the host has to be put right.

/// Does `work` in the background. While the program ends there is no runtime any more, and soon no connection either.
pub fn afterwards(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}
