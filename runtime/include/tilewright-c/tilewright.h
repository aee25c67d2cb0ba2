//===- tilewright.h - C API: load, query, launch and compile kernels ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/*
 * Every function that can fail returns a status; twLastError() then explains
 * it, for the calling thread, until that thread's next failing call. All
 * functions may be called from several threads, also with the same handle.
 * Strings are UTF-8. Strings returned by a handle live as long as the handle.
 * No function creates a CUDA context or loads the driver except
 * twKernelPrepare, twKernelLaunch, twDevice* and twCompile without a target.
 */
#ifndef TILEWRIGHT_C_TILEWRIGHT_H
#define TILEWRIGHT_C_TILEWRIGHT_H

#include "tilewright-c/dlpack_abi.h"
#include <stddef.h>
#include <stdint.h>

#define TW_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef enum twStatus {
  TW_OK = 0,
  TW_ERROR = 1,            /* none of the kinds below, e.g. a missing file */
  TW_INVALID_ARGUMENT = 2, /* an argument the kernel refuses, by name */
  TW_NO_GPU = 3,           /* no driver, no device, or too old a driver */
  TW_DRIVER_ERROR = 4,     /* a driver call failed; see twLastDriverResult */
  TW_INVALID_ARTEFACT = 5, /* manifest or image do not follow the contract */
  TW_COMPILE_ERROR = 6     /* the source was refused, or no compiler is here */
} twStatus;

/* What went wrong in this thread's last failing call; never NULL. */
TW_API const char *twLastError(void);
/* The CUresult of the last TW_DRIVER_ERROR of this thread. */
TW_API int twLastDriverResult(void);

/* The library's version, such as "1.2.3". */
TW_API const char *twVersion(void);
/* Raised whenever a declaration in this header changes incompatibly. */
#define TW_API_VERSION 1
TW_API int twApiVersion(void);

/*===--- Kernels
 * -----------------------------------------------------------===*/

/* A compiled kernel. Reference-counted; created with one reference. */
typedef struct twKernelImpl *twKernel;

/* Loads an artefact: a directory with manifest.json and kernel.cubin (or
   kernel.ptx), or either file of a pair x.json and x.cubin (or x.ptx). Needs
   no GPU. */
TW_API twStatus twKernelLoad(const char *path, twKernel *out);

/* The same from memory; the bytes are copied. An image that is not an ELF file
   is PTX, which the driver assembles on first use. */
TW_API twStatus twKernelFromMemory(const char *manifest, size_t manifest_size,
                                   const void *image, size_t image_size,
                                   twKernel *out);

TW_API void twKernelRetain(twKernel kernel);
/* Drops a reference. Code already loaded on a device stays loaded: launches
   are asynchronous, and a captured graph may hold it. */
TW_API void twKernelRelease(twKernel kernel);

/* The manifest, JSON as in docs/architecture.md. */
TW_API const char *twKernelManifest(twKernel kernel);
/* The cubin or PTX and its size in bytes. */
TW_API const void *twKernelImage(twKernel kernel, size_t *size);
/* Remarks and warnings of the compilation; "" if there were none. */
TW_API const char *twKernelDiagnostics(twKernel kernel);
/* Writes stem.json and stem.cubin (or stem.ptx). */
TW_API twStatus twKernelSave(twKernel kernel, const char *stem);

/* Checks arguments without a GPU: count, element types, shapes, strides,
   alignment, the kernel's `require`s, the rules of tensor maps. `tensors` are
   in the order of the manifest's "tensors". An 8-bit unsigned integer tensor
   stands for raw bytes of any 8-bit type. */
TW_API twStatus twKernelCheck(twKernel kernel, const twTensor *const *tensors,
                              size_t count);

typedef struct twLaunchOptions {
  size_t size;    /* sizeof(twLaunchOptions) */
  int32_t sms;    /* use at most this many multiprocessors; 0: all */
  int32_t no_pdl; /* non-zero: no programmatic dependent launch */
} twLaunchOptions;

/* Checks the arguments and enqueues one launch on `stream`, a CUstream of the
   tensors' device (NULL: the legacy default stream). Asynchronous: tensors
   must stay allocated as for any work on that stream. `options` may be NULL. */
TW_API twStatus twKernelLaunch(twKernel kernel, const twTensor *const *tensors,
                               size_t count, void *stream,
                               const twLaunchOptions *options);

typedef struct twKernelResources {
  size_t size; /* set by the caller to sizeof(twKernelResources) */
  int32_t registers, local_bytes, static_shared_bytes, max_threads;
} twKernelResources;

/* Loads the kernel on a device now (a launch would do it), e.g. before a graph
   is captured, and reports what the driver says of it. `out` may be NULL. */
TW_API twStatus twKernelPrepare(twKernel kernel, int32_t device,
                                twKernelResources *out);

/*===--- Devices
 * -----------------------------------------------------------===*/

TW_API twStatus twDeviceCount(int32_t *count);
/* The architecture to compile for on a device ("sm_90a"), with its NUL at most
   `size` bytes. */
TW_API twStatus twDeviceTarget(int32_t device, char *target, size_t size);

/*===--- Compiling
 * ---------------------------------------------------------===*/

/* Non-zero if this library can compile. */
TW_API int twHasCompiler(void);

typedef struct twCompileOptions {
  size_t size;        /* sizeof(twCompileOptions) */
  const char *source; /* text of a .tw file … */
  size_t source_size; /* … and its length; source NULL: read `path` */
  const char *path;   /* the file, or its name in diagnostics; may be NULL */
  const char *kernel; /* which kernel of the file; NULL: the only one */
  const char *target; /* "sm_90a"; NULL: the first GPU's, else sm_90a */
  const char *const *constants; /* "BM=128" */
  size_t num_constants;
  const char *const *bake; /* "N=4096": fix a dimension at compile time */
  size_t num_bake;
  const char *const *facts; /* "N=64": N is a multiple of 64 at every launch */
  size_t num_facts;
  const char *const *options; /* "ptxas=/path": options of the compiler */
  size_t num_options;
  int32_t strict; /* assembler advisories are errors */
  /* Extents for which the cost model, or a table beside `path`, chooses the
     constants that have no value: "M=64". What is baked in counts too. */
  const char *const *shape;
  size_t num_shape;
  const char *chip; /* "h200"; NULL: the first GPU's where target is NULL too */
} twCompileOptions;

/* Compiles, or finds the kernel in memory or in the disk cache
   ($TILEWRIGHT_CACHE_DIR, else $XDG_CACHE_HOME/tilewright, else
   $HOME/.cache/tilewright; set but empty: none). */
TW_API twStatus twCompile(const twCompileOptions *options, twKernel *out);

/* What twCompile would choose for `shape`, without compiling: JSON with the
   members constants, hints, chip, source ("model" or "table") and
   microseconds, with its NUL at most `size` bytes; "" where all constants have
   values. Without extents (no shape, nothing baked in): the member tensors, a
   list of name and shape, the dimension letters that a launch binds. The first
   choice of a kernel plans its search space (a fraction of a second), later
   ones take microseconds. */
TW_API twStatus twChoose(const twCompileOptions *options, char *json,
                         size_t size);

/* A request as a compiler callback sees it: `request_json` has the members
   source, file, kernel, target, constants, bake, facts, options, strict. */
typedef struct twCompileResult {
  void *context; /* owned by the library: pass it to the setters below */
} twCompileResult;
TW_API void twCompileSetArtefact(twCompileResult *result, const char *manifest,
                                 size_t manifest_size, const void *image,
                                 size_t image_size, const char *diagnostics);
TW_API void twCompileSetError(twCompileResult *result, const char *message);

/* Must call one of the setters; may be called from several threads. */
typedef void (*twCompileCallback)(const char *request_json,
                                  twCompileResult *result, void *user);

/* Registers a compiler for the process, replacing the built-in one. `version`
   is part of every cache key. `callback` NULL: no compiler. */
TW_API twStatus twSetCompiler(twCompileCallback callback, const char *version,
                              void *user);

/*===--- The command line
 * ------------------------------------------------------===*/

/* What the program `tilewright` does: docs/cli.md. Takes main's arguments,
   returns the exit status, and may end the process itself, as for `--help`.
   Installs handlers that print a stack on a crash: call it at most once, from
   a process that does nothing else. 1, with a message on standard error, in a
   library that was built without the command line. */
TW_API int twMain(int argc, const char *const *argv);

#ifdef __cplusplus
}
#endif

#endif /* TILEWRIGHT_C_TILEWRIGHT_H */
