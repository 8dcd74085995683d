//! Who is told how a job goes.

/// Somebody who watches a job: a progress bar, a log, a test.
pub trait Observer: Send {
    /// Something longer begins; `total` units of it lie ahead.
    fn begin(&mut self, what: &str, total: u64);
    /// Where it stands: units done, and a short status such as the loss.
    fn progress(&mut self, done: u64, how: &str);
    /// It is done.
    fn end(&mut self);
    /// Something the user should know and may have to act on.
    fn warn(&mut self, message: &str);
    /// Whether the job should end after the present step, with the best that it has.
    fn stop(&self) -> bool {
        false
    }
}
