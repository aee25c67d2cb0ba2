//===- OracleOnSim.cpp - the oracle's kernels on the simulator ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Usage: oracle-on-sim KERNELS-DIR KNOWN-FILE [NAME…] - runs kernels/<name>
// (README.md beside this file) on the simulator with Hopper's accumulation and
// compares every output buffer with the GPU's, bit for bit. Prints a line for
// each kernel that differs, and a summary. KNOWN-FILE names the kernels that
// are known to differ ("name: why" a line). Exit status 1 if another kernel
// differs, or if one of those does not, so that the list only shrinks.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Sim/Simulator.h"
#include "tilewright/Sim/TensorMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright::sim;

namespace {

Error failure(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

Expected<std::string> readFile(const Twine &path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return failure(path + ": " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

/// splitmix64's step, as in inputs.py.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// The buffer's bytes before the launch (inputs.py).
void initialise(const json::Object &buffer, uint8_t *bytes) {
  const json::Object &init = *buffer.getObject("init");
  uint64_t count = *buffer.getInteger("bytes") / 4;
  const json::Array *words = init.getArray("words");
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t word = init.getInteger("fill").value_or(0);
    if (auto seed = init.getInteger("random"))
      word = (uint32_t(mix(uint64_t(*seed) << 32 | i)) &
              uint32_t(*init.getInteger("and"))) |
             uint32_t(*init.getInteger("or"));
    if (words && i < words->size())
      word = *(*words)[i].getAsInteger();
    memcpy(bytes + 4 * i, &word, 4);
  }
}

template <typename T> std::vector<T> integers(const json::Array *array) {
  std::vector<T> out;
  for (const json::Value &value : *array)
    out.push_back(T(*value.getAsInteger()));
  return out;
}

std::array<uint32_t, 3> three(const json::Object &spec, StringRef key) {
  auto v = integers<uint32_t>(spec.getArray(key));
  return {v[0], v[1], v[2]};
}

Expected<TensorMapBlob> tensorMap(const json::Object &o, uint64_t base) {
  static const std::pair<StringRef, MapType> types[] = {
      {"u8", MapType::U8},   {"u16", MapType::U16},   {"u32", MapType::U32},
      {"s32", MapType::S32}, {"u64", MapType::U64},   {"f16", MapType::F16},
      {"f32", MapType::F32}, {"bf16", MapType::BF16}, {"tf32", MapType::TF32}};
  TensorMapArgs args;
  for (auto [name, type] : types)
    if (name == *o.getString("type"))
      args.type = int(type);
  auto dims = integers<uint64_t>(o.getArray("dims"));
  auto strides = integers<uint64_t>(o.getArray("strides"));
  auto box = integers<uint32_t>(o.getArray("box"));
  auto steps = integers<uint32_t>(o.getArray("element_strides"));
  args.rank = dims.size();
  args.address = base + *o.getInteger("offset");
  args.dims = dims;
  args.strides = strides;
  args.box = box;
  args.elementStrides = steps;
  int64_t span = *o.getInteger("swizzle");
  args.swizzle = span == 0 ? 0 : span == 32 ? 1 : span == 64 ? 2 : 3;
  args.oobFill = *o.getString("oob") == "nan";
  Expected<TensorMap> map = makeTensorMap(args);
  if (!map)
    return map.takeError();
  return encodeTensorMap(*map);
}

/// The accumulation of the kernel's operand type: each kernel has only one
/// width of operands.
AccumulateModel accumulation(const json::Object &spec) {
  for (const json::Value &form : *spec.getArray("forms")) {
    StringRef text = *form.getAsString();
    if (!text.starts_with("wgmma.mma_async"))
      continue;
    if (text.contains("e4m3") || text.contains("e5m2"))
      return AccumulateModel::hopper(Format::E4M3);
    if (text.contains("tf32"))
      return AccumulateModel::hopper(Format::TF32);
    if (text.contains("bf16"))
      return AccumulateModel::hopper(Format::BF16);
    return AccumulateModel::hopper(Format::F16);
  }
  return AccumulateModel::exact();
}

std::string compare(StringRef got, StringRef want) {
  if (got.size() != want.size())
    return "another size";
  uint64_t count = got.size() / 4, bad = 0, first = 0;
  for (uint64_t i = count; i-- > 0;)
    if (got.substr(4 * i, 4) != want.substr(4 * i, 4)) {
      ++bad;
      first = i;
    }
  if (!bad)
    return "";
  uint32_t g, w;
  memcpy(&g, got.data() + 4 * first, 4);
  memcpy(&w, want.data() + 4 * first, 4);
  return formatv("{0} of {1} words differ; first word {2}: {3:x8}, the GPU's "
                 "is {4:x8}",
                 bad, count, first, g, w)
      .str();
}

/// Empty: every output is the GPU's.
Expected<std::string> runKernel(const std::string &folder) {
  Expected<std::string> text = readFile(folder + "/spec.json");
  if (!text)
    return text.takeError();
  Expected<json::Value> value = json::parse(*text);
  if (!value)
    return value.takeError();
  const json::Object &spec = *value->getAsObject();
  Expected<std::string> ptx = readFile(folder + "/kernel.ptx");
  if (!ptx)
    return ptx.takeError();

  Memory memory;
  std::map<std::string, uint64_t> address;
  const json::Object &buffers = *spec.getObject("buffers");
  for (const auto &[name, buffer] : buffers) {
    uint64_t bytes = *buffer.getAsObject()->getInteger("bytes");
    uint64_t at = memory.allocate(bytes, name.str());
    address[name.str()] = at;
    initialise(*buffer.getAsObject(), memory.resolve(at, bytes));
  }

  Launch launch;
  launch.ptx = *ptx;
  launch.grid = three(spec, "grid");
  launch.block = three(spec, "block");
  launch.cluster = three(spec, "cluster");
  launch.smemBytes = *spec.getInteger("smem");
  for (const json::Value &value : *spec.getArray("params")) {
    const json::Object &p = *value.getAsObject();
    if (auto name = p.getString("buffer")) {
      launch.add(address[name->str()]);
    } else if (const json::Object *map = p.getObject("tensormap")) {
      auto blob = tensorMap(*map, address[map->getString("buffer")->str()]);
      if (!blob)
        return blob.takeError();
      launch.add(*blob);
    } else if (const json::Array *bytes = p.getArray("bytes")) {
      launch.params.push_back(integers<uint8_t>(bytes));
    } else if (const json::Value *u64 = p.get("u64")) {
      launch.add(*u64->getAsUINT64());
    } else if (auto u32 = p.getInteger("u32")) {
      launch.add(uint32_t(*u32));
    } else {
      launch.add(uint16_t(*p.getInteger("u16")));
    }
  }

  Options options;
  options.accumulate = accumulation(spec);
  options.maxInstructions = uint64_t(1) << 24;
  std::vector<Launch> launches;
  for (const json::Value &one : *spec.getArray("launches")) {
    launch.entry = one.getAsObject()->getString("entry")->str();
    launch.programmatic = one.getAsObject()->getBoolean("pdl").value_or(false);
    launches.push_back(launch);
  }
  Expected<std::vector<Report>> reports =
      runSequence(launches, memory, options);
  if (!reports)
    return reports.takeError();
  if (!reports->back().ok())
    return "reports: " + reports->back().str();
  for (const auto &[name, buffer] : buffers) {
    const json::Object &o = *buffer.getAsObject();
    if (!*o.getBoolean("out"))
      continue;
    auto want = readFile(folder + "/" + name.str() + ".bin");
    if (!want)
      return want.takeError();
    uint64_t bytes = *o.getInteger("bytes");
    StringRef got(
        reinterpret_cast<char *>(memory.resolve(address[name.str()], bytes)),
        bytes);
    std::string difference = compare(got, *want);
    if (!difference.empty())
      return name.str() + ": " + difference;
  }
  return std::string();
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    errs() << "usage: oracle-on-sim KERNELS-DIR KNOWN-FILE [NAME...]\n";
    return 2;
  }
  std::string root = argv[1];
  Expected<std::string> list = readFile(argv[2]);
  if (!list) {
    errs() << toString(list.takeError()) << "\n";
    return 2;
  }
  StringSet<> known;
  SmallVector<StringRef> lines;
  StringRef(*list).split(lines, '\n', -1, false);
  for (StringRef line : lines)
    if (!line.starts_with("#"))
      known.insert(line.split(':').first);
  std::vector<std::string> names(argv + 3, argv + argc);
  std::error_code error;
  if (names.empty())
    for (sys::fs::directory_iterator it(root, error), end; !error && it != end;
         it.increment(error))
      names.push_back(it->path().substr(root.size() + 1));
  llvm::sort(names);
  unsigned good = 0, wrong = 0;
  for (const std::string &name : names) {
    Expected<std::string> result = runKernel(root + "/" + name);
    std::string text =
        result ? *result : "refused: " + toString(result.takeError());
    good += text.empty();
    if (text.empty() && !known.contains(name))
      continue;
    if (text.empty())
      text = "gives the GPU's bits now: take it off the list";
    else if (known.contains(name))
      text = "(known) " + text;
    wrong += text[0] != '(';
    outs() << name << ": " << StringRef(text).rtrim() << "\n";
  }
  outs() << good << " of " << names.size() << " kernels give the GPU's bits, "
         << names.size() - good << " do not, " << wrong << " unexpectedly\n";
  return error || names.empty() || wrong;
}
