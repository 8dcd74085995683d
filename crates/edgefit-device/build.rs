//! Builds the crate anew when a profile comes or goes: the compiler itself follows only the files
//! that it has embedded before.

fn main() {
    println!("cargo::rerun-if-changed=../../profiles");
}
