//! Makefile and CMakeLists.txt of a project.

use super::{File, Name};

/// The build files; `kernels` are the sources besides the model's.
pub(super) fn files(name: &Name, kernels: &[&str]) -> [File; 2] {
    let kernels_text = kernels.join(" ");
    let makefile = format!(
        "# make builds the sample for this machine, make run runs it; CC and CFLAGS are yours to set.\n\
         CC ?= cc\n\
         CFLAGS ?= -O2\n\
         STRICT = -std=c99 -Wall -Wextra -Werror -pedantic\n\
         SOURCES = {name}.c {kernels_text}\n\
         OBJECTS = $(SOURCES:.c=.o) main.o\n\
         \n\
         sample: $(OBJECTS)\n\
         \t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS)\n\
         \n\
         %.o: %.c $(wildcard *.h)\n\
         \t$(CC) $(STRICT) $(CFLAGS) -c -o $@ $<\n\
         \n\
         run: sample\n\
         \t./sample\n\
         \n\
         clean:\n\
         \trm -f sample $(OBJECTS)\n\
         \n\
         .PHONY: run clean\n"
    );
    let cmake = format!(
        "cmake_minimum_required(VERSION 3.13)\n\
         project({name} C)\n\
         \n\
         add_library({name} STATIC {name}.c {kernels_text})\n\
         target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})\n\
         set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)\n\
         \n\
         add_executable({name}_sample main.c)\n\
         target_link_libraries({name}_sample {name})\n\
         set_target_properties({name}_sample PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)\n"
    );
    [
        File {
            name: "Makefile".into(),
            text: makefile,
        },
        File {
            name: "CMakeLists.txt".into(),
            text: cmake,
        },
    ]
}
