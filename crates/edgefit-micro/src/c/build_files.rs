//! Makefile and CMakeLists.txt of a project.

use super::file::File;
use super::library::Library;
use super::parts::Parts;

/// The build files; `kernels` are the sources besides the model's.
pub(super) fn files(parts: Parts, kernels: &[&str]) -> [File; 2] {
    let name = parts.name;
    let kernels_text = kernels.join(" ");
    let (before, objects, behind) = parts.library.map_or_else(Default::default, of_make);
    let flags = parts.library.map_or("", |_| " $(LIBRARY_FLAGS)");
    let makefile = format!(
        "# make builds the sample for this machine, make run runs it; CC and CFLAGS are yours to set.\n\
         CC ?= cc\n\
         CFLAGS ?= -O2\n\
         {before}STRICT = -std=c99 -Wall -Wextra -Werror -pedantic{flags}\n\
         SOURCES = {name}.c {kernels_text}\n\
         OBJECTS = $(SOURCES:.c=.o) main.o{objects}\n\
         \n\
         sample: $(OBJECTS)\n\
         \t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS)\n\
         \n\
         {behind}%.o: %.c $(wildcard *.h)\n\
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
    let (library, linked) = parts.library.map_or_else(Default::default, |library| {
        (
            of_cmake(library),
            format!("target_link_libraries({name} ef_library)\n"),
        )
    });
    let cmake = format!(
        "cmake_minimum_required(VERSION 3.13)\n\
         project({name} C)\n\
         \n\
         {library}add_library({name} STATIC {name}.c {kernels_text})\n\
         target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})\n\
         set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)\n\
         {linked}\n\
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

/// What a Makefile says of a library: its places, its objects, and how they are made.
fn of_make(library: &Library) -> (String, String, String) {
    let sources = library.sources().join(" \\\n    ");
    let before = format!(
        "# {}, where it lay when this was written.\n\
         LIBRARY ?= {}\n\
         LIBRARY_FLAGS = {}\n\
         LIBRARY_SOURCES = {sources}\n\
         LIBRARY_OBJECTS = $(notdir $(LIBRARY_SOURCES:.c=.o))\n\
         vpath %.c $(sort $(dir $(addprefix $(LIBRARY)/,$(LIBRARY_SOURCES))))\n",
        library.name(),
        library.folder(),
        library.flags("$(LIBRARY)").join(" ")
    );
    let behind = "$(LIBRARY_OBJECTS): %.o: %.c\n\
                  \t$(CC) $(LIBRARY_FLAGS) $(CFLAGS) -c -o $@ $<\n\n";
    (before, " $(LIBRARY_OBJECTS)".into(), behind.into())
}

/// The same in CMake.
fn of_cmake(library: &Library) -> String {
    let sources = library.sources().iter();
    let sources: Vec<String> = sources
        .map(|source| format!("    ${{LIBRARY}}/{source}"))
        .collect();
    let (includes, definitions): (Vec<String>, Vec<String>) = library
        .flags("${LIBRARY}")
        .into_iter()
        .partition(|flag| flag.starts_with("-isystem"));
    let includes = includes
        .iter()
        .map(|flag| flag.trim_start_matches("-isystem"));
    let definitions = match definitions.as_slice() {
        [] => String::new(),
        some => format!(
            "target_compile_options(ef_library PUBLIC {})\n",
            some.join(" ")
        ),
    };
    format!(
        "set(LIBRARY {} CACHE PATH \"{}, where it lay when this was written\")\n\
         add_library(ef_library STATIC\n{})\n\
         target_include_directories(ef_library SYSTEM PUBLIC {})\n\
         {definitions}\n",
        library.folder(),
        library.name(),
        sources.join("\n"),
        includes.collect::<Vec<_>>().join(" ")
    )
}
