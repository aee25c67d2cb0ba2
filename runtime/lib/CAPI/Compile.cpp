//===- Compile.cpp - C API: compiling through a registered compiler -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CAPIInternal.h"
#include "tilewright/Runtime/Jit.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstring>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::capi;

/// Defined by the library that has a compiler (the Driver library): calls
/// runtime::setCompiler. Weak, so that this library also links without one.
extern "C" __attribute__((weak)) void tilewrightRegisterCompiler(void);

static void registerBuiltin() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (tilewrightRegisterCompiler && !getCompiler())
      tilewrightRegisterCompiler();
  });
}

int twHasCompiler(void) {
  registerBuiltin();
  auto compiler = getCompiler();
  return compiler && compiler->compile;
}

/// Splits "NAME=VALUE" strings into `into`.
static llvm::Error splitPairs(const char *what, const char *const *items,
                              size_t count,
                              std::map<std::string, std::string> &into) {
  for (size_t i = 0; i < count; ++i) {
    llvm::StringRef item = items && items[i] ? items[i] : "";
    auto [name, value] = item.split('=');
    if (name.empty() || !item.contains('='))
      return argumentError(llvm::Twine(what) + "[" + llvm::Twine(i) + "]: '" +
                           item + "' is not NAME=VALUE");
    if (!into.emplace(name.str(), value.str()).second)
      return argumentError(llvm::Twine(what) + ": '" + name +
                           "' is given twice");
  }
  return llvm::Error::success();
}

static llvm::Error toIntegers(const char *what,
                              const std::map<std::string, std::string> &from,
                              std::map<std::string, int64_t> &into) {
  for (const auto &[name, value] : from)
    if (llvm::StringRef(value).getAsInteger(0, into[name]))
      return argumentError(llvm::Twine(what) + ": '" + name + "=" + value +
                           "' is not an integer");
  return llvm::Error::success();
}

static llvm::Expected<CompileRequest>
makeRequest(const twCompileOptions &options) {
  CompileRequest request;
  auto text = [](const char *value) { return std::string(value ? value : ""); };
  request.fileName = text(options.path);
  request.kernel = text(options.kernel);
  request.target = text(options.target);
  request.strict = options.strict != 0;
  if (options.source) {
    request.source.assign(options.source, options.source_size);
  } else if (options.path) {
    auto buffer = llvm::MemoryBuffer::getFile(options.path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/true,
                                              /*IsVolatile=*/true);
    if (!buffer)
      return llvm::createStringError(buffer.getError(),
                                     "cannot read '" + request.fileName +
                                         "': " + buffer.getError().message());
    request.source = (*buffer)->getBuffer().str();
  } else {
    return argumentError("neither 'source' nor 'path' is given");
  }
  if (request.fileName.empty())
    request.fileName = "<source>";
  std::map<std::string, std::string> bake, facts;
  if (llvm::Error error = splitPairs("constants", options.constants,
                                     options.num_constants, request.constants))
    return std::move(error);
  if (llvm::Error error =
          splitPairs("bake", options.bake, options.num_bake, bake))
    return std::move(error);
  if (llvm::Error error =
          splitPairs("facts", options.facts, options.num_facts, facts))
    return std::move(error);
  if (llvm::Error error = splitPairs("options", options.options,
                                     options.num_options, request.options))
    return std::move(error);
  std::map<std::string, std::string> shape;
  if (llvm::Error error =
          splitPairs("shape", options.shape, options.num_shape, shape))
    return std::move(error);
  if (llvm::Error error = toIntegers("shape", shape, request.shape))
    return std::move(error);
  request.chip = text(options.chip);
  if (llvm::Error error = toIntegers("bake", bake, request.bake))
    return std::move(error);
  if (llvm::Error error = toIntegers("facts", facts, request.facts))
    return std::move(error);
  return std::move(request);
}

/// What a caller asks for, whose options may be of an older, shorter version.
static auto readRequest(const twCompileOptions &options) {
  registerBuiltin();
  twCompileOptions given = {};
  std::memcpy(&given, &options, std::min(options.size, sizeof(given)));
  return makeRequest(given);
}

twStatus twCompile(const twCompileOptions *options, twKernel *out) {
  if (!out || !options)
    return report(argumentError(llvm::Twine("'") + (out ? "options" : "out") +
                                "' is null"));
  *out = nullptr;
  auto request = readRequest(*options);
  if (!request)
    return report(request.takeError());
  return publish(Jit::global().get(std::move(*request)), out);
}

twStatus twChoose(const twCompileOptions *options, char *json, size_t size) {
  if (!options || !json || size == 0)
    return report(argumentError(llvm::Twine("'") +
                                (options ? "json" : "options") + "' is null"));
  json[0] = '\0';
  auto request = readRequest(*options);
  if (!request)
    return report(request.takeError());
  auto chosen = Jit::global().choose(*request);
  if (!chosen)
    return report(chosen.takeError());
  if (chosen->size() + 1 > size)
    return report(argumentError("'json' has room for " + llvm::Twine(size) +
                                " bytes, the choice needs " +
                                llvm::Twine(chosen->size() + 1)));
  std::memcpy(json, chosen->c_str(), chosen->size() + 1);
  return TW_OK;
}

namespace {
/// What a callback reported.
struct CallbackResult {
  std::optional<Artefact> artefact;
  std::optional<std::string> error;
};
} // namespace

void twCompileSetArtefact(twCompileResult *result, const char *manifest,
                          size_t manifestSize, const void *image,
                          size_t imageSize, const char *diagnostics) {
  Artefact artefact;
  artefact.manifest.assign(manifest, manifestSize);
  artefact.image.assign(static_cast<const char *>(image), imageSize);
  artefact.kind = Artefact::kindOf(artefact.image);
  artefact.diagnostics = diagnostics ? diagnostics : "";
  static_cast<CallbackResult *>(result->context)->artefact =
      std::move(artefact);
}

void twCompileSetError(twCompileResult *result, const char *message) {
  static_cast<CallbackResult *>(result->context)->error =
      message ? message : "";
}

static std::string toJson(const CompileRequest &request) {
  llvm::json::Object constants, bake, facts, options;
  for (const auto &[name, value] : request.constants)
    constants[name] = value;
  for (const auto &[name, value] : request.bake)
    bake[name] = value;
  for (const auto &[name, value] : request.facts)
    facts[name] = value;
  for (const auto &[name, value] : request.options)
    options[name] = value;
  // JSON holds text only; a source that is not UTF-8 is the compiler's to
  // refuse, so it gets replacement characters here.
  llvm::json::Value value =
      llvm::json::Object{{"source", llvm::json::fixUTF8(request.source)},
                         {"file", llvm::json::fixUTF8(request.fileName)},
                         {"kernel", llvm::json::fixUTF8(request.kernel)},
                         {"target", llvm::json::fixUTF8(request.target)},
                         {"constants", std::move(constants)},
                         {"bake", std::move(bake)},
                         {"facts", std::move(facts)},
                         {"options", std::move(options)},
                         {"strict", request.strict}};
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

twStatus twSetCompiler(twCompileCallback callback, const char *version,
                       void *user) {
  registerBuiltin();
  Compiler compiler;
  if (callback) {
    compiler.version = [text = std::string(version ? version : "")](
                           const CompileRequest &) { return text; };
    compiler.compile =
        [callback,
         user](const CompileRequest &request) -> llvm::Expected<Artefact> {
      CallbackResult answer;
      twCompileResult result = {&answer};
      callback(toJson(request).c_str(), &result, user);
      if (answer.artefact && !answer.error)
        return std::move(*answer.artefact);
      return llvm::make_error<CompileError>(
          answer.error.value_or("the compiler returned nothing"));
    };
  }
  setCompiler(std::move(compiler));
  return TW_OK;
}
