//===- Jit.cpp - Compiling on demand, with memory and disk caches ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Jit.h"
#include "tilewright/Runtime/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstdlib>

using namespace tilewright;
using namespace tilewright::runtime;

namespace {
struct Registry {
  std::mutex mutex;
  std::optional<Compiler> compiler;
};
Registry &registry() {
  static Registry *instance = new Registry();
  return *instance;
}
} // namespace

void runtime::setCompiler(Compiler compiler) {
  std::lock_guard<std::mutex> lock(registry().mutex);
  registry().compiler = std::move(compiler);
}

std::optional<Compiler> runtime::getCompiler() {
  std::lock_guard<std::mutex> lock(registry().mutex);
  return registry().compiler;
}

std::string runtime::cacheKey(const CompileRequest &request,
                              llvm::StringRef version) {
  KeyBuilder key;
  key.add("tilewright-artefact-1").add(version);
  key.add(request.source).add(request.kernel).add(request.target);
  auto addMap = [&](const char *name, const auto &entries, auto text) {
    key.add(name).add(std::to_string(entries.size()));
    for (const auto &[entry, value] : entries)
      key.add(entry).add(text(value));
  };
  auto same = [](const std::string &value) { return value; };
  auto number = [](int64_t value) { return std::to_string(value); };
  addMap("constants", request.constants, same);
  addMap("bake", request.bake, number);
  addMap("facts", request.facts, number);
  addMap("options", request.options, same);
  key.add(request.strict ? "strict" : "");
  return key.finish();
}

Jit &Jit::global() {
  static Jit *jit = new Jit(Cache::global());
  return *jit;
}

Jit::Counters Jit::counters() const {
  std::lock_guard<std::mutex> lock(mutex);
  return counts;
}

/// The architecture to compile for when the caller named none: what
/// `$TILEWRIGHT_TARGET` says, that of the first GPU, else Hopper's.
static std::string defaultTarget() {
  if (const char *target = std::getenv("TILEWRIGHT_TARGET"))
    if (*target)
      return target;
  auto driver = Driver::get();
  if (!driver) {
    llvm::consumeError(driver.takeError());
    return "sm_90a";
  }
  auto device = driver->device(0);
  if (!device) {
    llvm::consumeError(device.takeError());
    return "sm_90a";
  }
  return device->target();
}

/// Adds "M % 64 == 0" to the manifest's requirements for every fact of the
/// request: what the compiler was told must hold at each launch, whether or not
/// it made use of it.
static llvm::Error requireFacts(const CompileRequest &request,
                                Artefact &artefact) {
  if (request.facts.empty())
    return llvm::Error::success();
  auto manifest = Manifest::parse(artefact.manifest);
  if (!manifest)
    return manifest.takeError();
  llvm::json::Object *root = manifest->json.getAsObject();
  llvm::json::Array *requirements = root->getArray("requires");
  if (!requirements) {
    (*root)["requires"] = llvm::json::Array();
    requirements = root->getArray("requires");
  }
  for (const auto &[name, divisor] : request.facts) {
    if (!llvm::is_contained(manifest->dims, name))
      return llvm::make_error<CompileError>(
          manifest->kernel + ": the fact '" + name +
          "' names no dimension of this kernel");
    if (divisor < 1)
      return llvm::make_error<CompileError>(
          manifest->kernel + ": the fact '" + name + " = " +
          llvm::Twine(divisor) + "' is no positive divisor");
    requirements->push_back(llvm::json::Object{
        {"expr",
         llvm::json::Array{"eq", llvm::json::Array{"mod", name, divisor}, 0}},
        {"text", name + " % " + std::to_string(divisor) + " == 0"}});
  }
  artefact.manifest.clear();
  llvm::raw_string_ostream(artefact.manifest)
      << llvm::formatv("{0:2}", manifest->json);
  return llvm::Error::success();
}

/// The name of the first GPU; empty without one.
static std::string defaultChip() {
  auto driver = Driver::get();
  if (!driver) {
    llvm::consumeError(driver.takeError());
    return "";
  }
  auto device = driver->device(0);
  if (!device) {
    llvm::consumeError(device.takeError());
    return "";
  }
  return device->name;
}

llvm::Expected<std::string> Jit::choose(CompileRequest &request) {
  std::optional<Compiler> compiler = getCompiler();
  if (!compiler || !compiler->choose)
    return "";
  if (request.chip.empty() && request.target.empty())
    request.chip = defaultChip();
  return compiler->choose(request);
}

llvm::Expected<std::shared_ptr<Kernel>> Jit::get(CompileRequest request) {
  std::optional<Compiler> compiler = getCompiler();
  if (!compiler || !compiler->compile)
    return llvm::make_error<CompileError>(
        "this library has no compiler: use one that includes it, or load a "
        "compiled artefact");
  // Without extents the compiler says which constants have no value.
  if (!request.shape.empty()) {
    llvm::Expected<std::string> chosen = choose(request);
    if (!chosen)
      return chosen.takeError();
  }
  if (request.target.empty())
    request.target = defaultTarget();
  std::string key =
      cacheKey(request, compiler->version ? compiler->version(request) : "");
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<Slot> &entry = slots[key];
    if (!entry)
      entry = std::make_shared<Slot>();
    slot = entry;
  }
  // Others asking for the same kernel wait here instead of compiling it too.
  std::lock_guard<std::mutex> lock(slot->mutex);
  auto count = [&](uint64_t Counters::*counter) {
    std::lock_guard<std::mutex> lock(mutex);
    ++(counts.*counter);
  };
  if (slot->kernel) {
    count(&Counters::memory);
    return slot->kernel;
  }
  if (std::optional<Artefact> cached = cache.lookup(key)) {
    auto kernel = Kernel::create(std::move(*cached));
    if (kernel) {
      count(&Counters::disk);
      slot->kernel = *kernel;
      return slot->kernel;
    }
    // Whole, yet not to our liking: compile anew.
    llvm::consumeError(kernel.takeError());
    cache.remove(key);
  }
  auto artefact = compiler->compile(request);
  if (!artefact)
    return artefact.takeError();
  if (llvm::Error error = requireFacts(request, *artefact))
    return std::move(error);
  count(&Counters::compiled);
  auto kernel = Kernel::create(*artefact);
  if (!kernel)
    return kernel.takeError();
  cache.store(key, *artefact);
  slot->kernel = *kernel;
  return slot->kernel;
}
