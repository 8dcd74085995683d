//! Where a visitor is in a module.

#[derive(Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub fn enter(&mut self, name: &str) {
        self.0.push(name.into());
    }

    pub fn exit(&mut self) {
        self.0.pop();
    }

    /// Such as `conv1.weight`.
    pub fn name(&self) -> String {
        self.0.join(".")
    }
}
