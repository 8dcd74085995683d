//! [`Model`]: a `.tflite` file, loaded and run.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};

use crate::api::{Handle, RankedTensorType, Status};
use crate::error::{Error, Result};
use crate::library::Library;

/// Of `LiteRtHwAccelerators`.
const CPU: c_int = 1;

/// Under which name the processor's options are found.
const CPU_OPTIONS: &str = "xnnpack";

/// Modes in which a buffer is locked.
const READ: c_int = 0;
const WRITE: c_int = 1;

/// Which kernels run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// The plain ones, of which the results are TensorFlow Lite's specification.
    Reference,
    /// What LiteRT takes by itself: XNNPACK's where it has one.
    Default,
}

/// Type of the elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit floats.
    F32,
    /// Signed bytes.
    Int8,
    /// Another, by its number.
    Other(i32),
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Type of its elements.
    pub element: ElementType,
    /// Its sizes.
    pub dims: Vec<usize>,
    /// Its bytes.
    pub bytes: usize,
}

/// A model with one input and one output, on the processor.
pub struct Model<'l> {
    library: &'l Library,
    environment: Handle,
    model: Handle,
    options: Handle,
    compiled: Handle,
    buffers: [Handle; 2],
    tensors: Vec<Tensor>,
}

/// Frees a text that [`CString::into_raw`] gave away.
unsafe extern "C" fn free_text(text: *mut c_void) {
    // SAFETY: it is called once, on such a text.
    drop(unsafe { CString::from_raw(text.cast::<c_char>()) });
}

fn done(what: &'static str, status: Status) -> Result<()> {
    match status {
        0 => Ok(()),
        status => Err(Error::Refused { what, status }),
    }
}

impl<'l> Model<'l> {
    /// The model in the file `path`, run with `threads` threads of `kernels`.
    ///
    /// # Errors
    /// The library refuses it, or it does not have one input and one output.
    pub fn open(
        library: &'l Library,
        path: &Path,
        kernels: Kernels,
        threads: usize,
    ) -> Result<Self> {
        let mut model = Model {
            library,
            environment: null_mut(),
            model: null_mut(),
            options: null_mut(),
            compiled: null_mut(),
            buffers: [null_mut(); 2],
            tensors: Vec::new(),
        };
        model.load(path)?;
        model.compile(kernels, threads)?;
        model.allocate()?;
        Ok(model)
    }

    /// Its input.
    pub fn input(&self) -> &Tensor {
        &self.tensors[0]
    }

    /// Its output.
    pub fn output(&self) -> &Tensor {
        &self.tensors[1]
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let api = &self.library.api;
        let name = CString::new(path.as_os_str().as_encoded_bytes());
        let name = name.map_err(|_| Error::Model("its path holds a zero byte".into()))?;
        // SAFETY: no options, and a place for the result.
        let status = unsafe { (api.create_environment)(0, null(), &raw mut self.environment) };
        done("an environment", status)?;
        // SAFETY: the environment lives, the name ends with a zero byte.
        let status =
            unsafe { (api.create_model)(self.environment, name.as_ptr(), &raw mut self.model) };
        done("to load the file", status)
    }

    fn compile(&mut self, kernels: Kernels, threads: usize) -> Result<()> {
        let api = &self.library.api;
        let mode = match kernels {
            Kernels::Reference => "kernel_mode = \"reference\"\n",
            Kernels::Default => "",
        };
        let text = CString::new(format!("{mode}num_threads = {threads}\n"));
        let text = text.map_err(|_| Error::Model("its options hold a zero byte".into()))?;
        let identifier = CString::new(CPU_OPTIONS);
        let identifier =
            identifier.map_err(|_| Error::Model("its options hold a zero byte".into()))?;
        let mut opaque = null_mut();
        // SAFETY: places for the results; the text is freed by the options that own it from here on.
        unsafe {
            done("options", (api.create_options)(&raw mut self.options))?;
            done("the processor", (api.set_accelerators)(self.options, CPU))?;
            let text = text.into_raw().cast::<c_void>();
            let created =
                (api.create_opaque)(identifier.as_ptr(), text, free_text, &raw mut opaque);
            done("options of the processor", created)?;
            let added = (api.add_opaque)(self.options, opaque);
            done("options of the processor", added)?;
            let compiled = (api.create_compiled)(
                self.environment,
                self.model,
                self.options,
                &raw mut self.compiled,
            );
            done(
                "to prepare the model; an operator or its version may not be known",
                compiled,
            )
        }
    }

    fn allocate(&mut self) -> Result<()> {
        let api = &self.library.api;
        let mut signature = null_mut();
        let mut counts = [0usize; 2];
        // SAFETY: the model lives; places for the results.
        unsafe {
            done(
                "the signature",
                (api.signature)(self.model, 0, &raw mut signature),
            )?;
            done("the inputs", (api.inputs)(signature, &raw mut counts[0]))?;
            done("the outputs", (api.outputs)(signature, &raw mut counts[1]))?;
        }
        if counts != [1, 1] {
            return Err(Error::Model(format!(
                "it has {} inputs and {} outputs; there is one of each in what is run here",
                counts[0], counts[1]
            )));
        }
        let ways = [
            (api.input, api.input_requirements),
            (api.output, api.output_requirements),
        ];
        for (at, (tensor_of, requirements_of)) in ways.into_iter().enumerate() {
            let (mut tensor, mut requirements) = (null_mut(), null_mut());
            let mut ty = RankedTensorType::default();
            let mut bytes = 0;
            // SAFETY: the signature has a tensor 0 on both sides; places for the results.
            unsafe {
                done("a tensor", tensor_of(signature, 0, &raw mut tensor))?;
                done("its shape", (api.tensor_type)(tensor, &raw mut ty))?;
                let found = requirements_of(self.compiled, 0, 0, &raw mut requirements);
                done("what its memory has to be", found)?;
                let created = (api.create_buffer)(
                    self.environment,
                    &raw const ty,
                    requirements,
                    &raw mut self.buffers[at],
                );
                done("its memory", created)?;
                done(
                    "its size",
                    (api.buffer_bytes)(self.buffers[at], &raw mut bytes),
                )?;
            }
            let rank = ty.dims.len().min((ty.rank & 0x7f) as usize);
            let dims = ty.dims[..rank].iter();
            self.tensors.push(Tensor {
                element: match ty.element {
                    1 => ElementType::F32,
                    9 => ElementType::Int8,
                    other => ElementType::Other(other),
                },
                dims: dims
                    .map(|&size| usize::try_from(size).unwrap_or(0))
                    .collect(),
                bytes,
            });
        }
        Ok(())
    }

    /// Writes the input, as its bytes lie in memory.
    ///
    /// # Errors
    /// There are other than [`Tensor::bytes`] of it, or the library refuses.
    pub fn write(&mut self, input: &[u8]) -> Result<()> {
        let wanted = self.input().bytes;
        if input.len() != wanted {
            return Err(Error::Model(format!(
                "its input has {wanted} B, and {} came",
                input.len()
            )));
        }
        let api = &self.library.api;
        let mut memory = null_mut();
        // SAFETY: a locked buffer has as many bytes as it says.
        unsafe {
            let locked = (api.lock)(self.buffers[0], &raw mut memory, WRITE);
            done("the memory of the input", locked)?;
            std::ptr::copy_nonoverlapping(input.as_ptr(), memory.cast::<u8>(), wanted);
            done("the memory of the input", (api.unlock)(self.buffers[0]))
        }
    }

    /// Runs it on the input that was written last.
    ///
    /// # Errors
    /// The library refuses.
    pub fn run(&mut self) -> Result<()> {
        let api = &self.library.api;
        let [input, output] = &mut self.buffers;
        // SAFETY: one buffer for each tensor.
        done("to run", unsafe {
            (api.run)(self.compiled, 0, 1, input, 1, output)
        })
    }

    /// The output of the last run, as its bytes lie in memory.
    ///
    /// # Errors
    /// The library refuses.
    pub fn read(&mut self) -> Result<Vec<u8>> {
        let api = &self.library.api;
        let mut bytes = vec![0; self.output().bytes];
        let mut memory = null_mut();
        // SAFETY: a locked buffer has as many bytes as it says.
        unsafe {
            let locked = (api.lock)(self.buffers[1], &raw mut memory, READ);
            done("the memory of the output", locked)?;
            std::ptr::copy_nonoverlapping(memory.cast::<u8>(), bytes.as_mut_ptr(), bytes.len());
            done("the memory of the output", (api.unlock)(self.buffers[1]))?;
        }
        Ok(bytes)
    }
}

impl Drop for Model<'_> {
    fn drop(&mut self) {
        let api = &self.library.api;
        let [input, output] = self.buffers;
        let destroyers = [
            (input, api.destroy_buffer),
            (output, api.destroy_buffer),
            (self.compiled, api.destroy_compiled),
            (self.options, api.destroy_options),
            (self.model, api.destroy_model),
            (self.environment, api.destroy_environment),
        ];
        for (handle, destroy) in destroyers {
            if !handle.is_null() {
                // SAFETY: each was created here, and is not used again.
                unsafe { destroy(handle) };
            }
        }
    }
}
