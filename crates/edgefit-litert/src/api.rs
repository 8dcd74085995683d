//! The functions of `libLiteRt.so` that are called, as version 2.1.6 declares them in `litert/c`.

use std::ffi::{c_char, c_int, c_void};

use libloading::Library;

use crate::error::Missing;

/// An object of the library.
pub(crate) type Handle = *mut c_void;

/// 0 where a call was done.
pub(crate) type Status = c_int;

/// `LiteRtRankedTensorType` with its `LiteRtLayout`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RankedTensorType {
    pub element: c_int,
    /// The rank in the lower seven bits.
    pub rank: u32,
    pub dims: [i32; 8],
    pub strides: [u32; 8],
}

macro_rules! api {
    ($($field:ident: $symbol:literal = fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of a library that was loaded; valid for as long as that is.
        pub(crate) struct Api {
            $(pub $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            /// The functions of `library`.
            pub fn of(library: &Library) -> Result<Self, Missing> {
                let missing = |name: &str| Missing {
                    reason: format!("the library has no function {name}"),
                };
                Ok(Api {
                    $($field: {
                        // SAFETY: the type is that of the function's declaration; the library outlives it.
                        let symbol = unsafe { library.get($symbol.as_bytes()) };
                        *symbol.map_err(|_| missing($symbol))?
                    },)*
                })
            }
        }
    };
}

api! {
    create_environment: "LiteRtCreateEnvironment" = fn(c_int, *const c_void, *mut Handle) -> Status;
    destroy_environment: "LiteRtDestroyEnvironment" = fn(Handle);
    create_model: "LiteRtCreateModelFromFile" = fn(Handle, *const c_char, *mut Handle) -> Status;
    destroy_model: "LiteRtDestroyModel" = fn(Handle);
    create_options: "LiteRtCreateOptions" = fn(*mut Handle) -> Status;
    destroy_options: "LiteRtDestroyOptions" = fn(Handle);
    set_accelerators: "LiteRtSetOptionsHardwareAccelerators" = fn(Handle, c_int) -> Status;
    create_opaque: "LiteRtCreateOpaqueOptions" =
        fn(*const c_char, *mut c_void, unsafe extern "C" fn(*mut c_void), *mut Handle) -> Status;
    add_opaque: "LiteRtAddOpaqueOptions" = fn(Handle, Handle) -> Status;
    create_compiled: "LiteRtCreateCompiledModel" = fn(Handle, Handle, Handle, *mut Handle) -> Status;
    destroy_compiled: "LiteRtDestroyCompiledModel" = fn(Handle);
    signature: "LiteRtGetModelSignature" = fn(Handle, usize, *mut Handle) -> Status;
    inputs: "LiteRtGetNumSignatureInputs" = fn(Handle, *mut usize) -> Status;
    outputs: "LiteRtGetNumSignatureOutputs" = fn(Handle, *mut usize) -> Status;
    input: "LiteRtGetSignatureInputTensorByIndex" = fn(Handle, usize, *mut Handle) -> Status;
    output: "LiteRtGetSignatureOutputTensorByIndex" = fn(Handle, usize, *mut Handle) -> Status;
    tensor_type: "LiteRtGetRankedTensorType" = fn(Handle, *mut RankedTensorType) -> Status;
    input_requirements: "LiteRtGetCompiledModelInputBufferRequirements" =
        fn(Handle, usize, usize, *mut Handle) -> Status;
    output_requirements: "LiteRtGetCompiledModelOutputBufferRequirements" =
        fn(Handle, usize, usize, *mut Handle) -> Status;
    create_buffer: "LiteRtCreateManagedTensorBufferFromRequirements" =
        fn(Handle, *const RankedTensorType, Handle, *mut Handle) -> Status;
    destroy_buffer: "LiteRtDestroyTensorBuffer" = fn(Handle);
    buffer_bytes: "LiteRtGetTensorBufferPackedSize" = fn(Handle, *mut usize) -> Status;
    lock: "LiteRtLockTensorBuffer" = fn(Handle, *mut *mut c_void, c_int) -> Status;
    unlock: "LiteRtUnlockTensorBuffer" = fn(Handle) -> Status;
    run: "LiteRtRunCompiledModel" = fn(Handle, usize, usize, *mut Handle, usize, *mut Handle) -> Status;
}
