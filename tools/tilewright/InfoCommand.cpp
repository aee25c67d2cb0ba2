//===- InfoCommand.cpp - tilewright info ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Tune.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Info options");
static cl::opt<bool>
    why("why",
        cl::desc("Say which configurations of `tune` were weighed for the "
                 "extents of --shape, and what decided"),
        cl::cat(category), cl::sub(infoCommand));

static int64_t integer(const json::Object &object, StringRef key) {
  return object.getInteger(key).value_or(0);
}

static StringRef text(const json::Object &object, StringRef key) {
  return object.getString(key).value_or("");
}

template <typename Fn>
static void forEach(const json::Object &object, StringRef key, Fn fn) {
  if (const json::Array *array = object.getArray(key))
    for (const json::Value &value : *array)
      if (const json::Object *entry = value.getAsObject())
        fn(*entry);
}

static std::string join(const json::Array *array, StringRef separator) {
  std::string result;
  if (array)
    for (const json::Value &value : *array) {
      if (!result.empty())
        result += separator;
      if (std::optional<StringRef> string = value.getAsString())
        result += *string;
      else
        result += formatv("{0}", value);
    }
  return result;
}

void cli::printResources(const json::Object &manifest, raw_ostream &os) {
  const json::Object *found = manifest.getObject("resources");
  if (!found)
    return;
  const json::Object &r = *found;
  os << text(manifest, "kernel") << " for " << text(manifest, "arch");
  if (const json::Object *constants = manifest.getObject("constants"))
    for (const auto &entry : *constants)
      os << "  " << StringRef(entry.first) << "="
         << formatv("{0}", entry.second);
  os << "\n";
  os << "  threads        " << integer(r, "threads") << "\n";
  forEach(r, "roles", [&](const json::Object &role) {
    int64_t first = integer(role, "first_warp"), warps = integer(role, "warps");
    os << formatv("    role {0,-10} warps {1}..{2}, {3} registers a thread\n",
                  text(role, "name"), first, first + warps - 1,
                  integer(role, "registers"));
  });
  os << formatv("  shared memory  {0} bytes of 232448\n",
                integer(r, "smem_bytes"));
  forEach(r, "buffers", [&](const json::Object &buffer) {
    bool implicit = buffer.getBoolean("implicit").value_or(false);
    os << formatv(
        "    {0} {1,-10} {2} stage{3}{4}, {5} bytes\n",
        implicit ? "store" : "pipe ", text(buffer, "name"),
        integer(buffer, "stages"), integer(buffer, "stages") == 1 ? "" : "s",
        integer(buffer, "copies") > 1
            ? formatv(" x {0} groups", integer(buffer, "copies")).str()
            : std::string(),
        integer(buffer, "bytes"));
    forEach(buffer, "fields", [&](const json::Object &field) {
      os << formatv("      {0,-8} {1}, swizzle {2}, at {3}\n",
                    text(field, "name"), text(field, "type"),
                    integer(field, "swizzle"), integer(field, "offset"));
    });
  });
  os << "  mbarriers      " << integer(r, "barriers") << "\n";
  if (const json::Object *protocol = r.getObject("protocol")) {
    if (const json::Array *rings = protocol->getArray("proved");
        rings && !rings->empty())
      os << "  protocol       proved for any number of iterations: "
         << join(rings, ", ") << "\n";
    if (const json::Array *tensors = protocol->getArray("unchanging");
        tensors && !tensors->empty())
      os << "    assuming that no one writes " << join(tensors, ", ")
         << " while the kernel runs\n";
  } else {
    os << "  protocol       not proved\n";
  }
  if (const json::Object *proof = r.getObject("barrier_proof"))
    os << formatv("  barriers       proved: {0} states of roles for any trip "
                  "counts; all roles together in {1} runs of up to {2} "
                  "iterations and {3} items\n",
                  integer(*proof, "states"), integer(*proof, "runs"),
                  integer(*proof, "iterations"), integer(*proof, "items"));
  else
    os << "  barriers       not proved\n";
  os << "  tensor maps\n";
  forEach(r, "tensor_maps", [&](const json::Object &map) {
    os << formatv("    {0,-8} box {1} (innermost first), swizzle {2}\n",
                  text(map, "tensor"), join(map.getArray("box"), " x "),
                  integer(map, "swizzle"));
  });
  if (const json::Array *copies = r.getArray("copies");
      copies && !copies->empty()) {
    os << "  copies\n";
    for (const json::Value &copy : *copies)
      os << "    " << copy.getAsString().value_or("") << "\n";
  }
  if (r.get("registers_at_entry"))
    os << formatv("  at entry       {0} registers a thread, {1} bytes spilled, "
                  "{2} bytes of stack\n",
                  integer(r, "registers_at_entry"), integer(r, "spill_bytes"),
                  integer(r, "stack_bytes"));
  os << "  assembler      " << text(r, "assembler") << "\n";
}

int cli::runInfo() {
  if (why)
    return explainChoice();
  CompileOptions options;
  if (!getCompileOptions(options))
    return 1;
  // The manifest of an artefact already has it all.
  if (StringRef(getInputFile()).ends_with(".json")) {
    ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
        MemoryBuffer::getFile(getInputFile());
    if (!buffer) {
      errs() << "error: cannot read '" << getInputFile()
             << "': " << buffer.getError().message() << "\n";
      return 1;
    }
    Expected<json::Value> value = json::parse((*buffer)->getBuffer());
    if (!value || !value->getAsObject()) {
      errs() << "error: '" << getInputFile() << "' is not a manifest";
      if (!value)
        errs() << ": " << toString(value.takeError());
      errs() << "\n";
      return 1;
    }
    printResources(*value->getAsObject(), outs());
    return 0;
  }
  std::optional<CompileResult> result = compileInput(options);
  if (!result)
    return 1;
  printResources(result->manifest, outs());
  outs() << formatv("  compiled in    {0:f0} ms (front end {1:f0}, passes "
                    "{2:f0} of which proof of the protocol {5:f2} and of "
                    "the barriers {6:f2}, LLVM "
                    "{3:f0}, assembler {4:f0})\n",
                    result->times.total(), result->times.frontEnd,
                    result->times.passes, result->times.llvm,
                    result->times.assembler, result->times.verifyRings,
                    result->times.verifyBarriers);
  return 0;
}
