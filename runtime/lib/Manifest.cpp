//===- Manifest.cpp - Parsing and validating a manifest -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Manifest.h"
#include "tilewright/Runtime/Errors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace tilewright;
using namespace tilewright::runtime;
namespace json = llvm::json;

namespace {

/// Reads fields of one JSON object; the first failure sticks, so that a parse
/// function reads all its fields and then asks once.
class Reader {
public:
  Reader(const json::Object &object, const llvm::Twine &where)
      : object(object), where(where.str()) {}

  void fail(llvm::StringRef field, const llvm::Twine &why) {
    if (message.empty())
      message = (where + (where.empty() || field.empty() ? "" : ".") + field +
                 ": " + why)
                    .str();
  }

  std::string string(llvm::StringRef field) {
    if (auto value = object.getString(field))
      return value->str();
    fail(field, object.get(field) ? "not a string" : "missing");
    return "";
  }

  int64_t integer(llvm::StringRef field, std::optional<int64_t> fallback,
                  int64_t low, int64_t high) {
    const json::Value *value = object.get(field);
    if (!value && fallback)
      return *fallback;
    auto number = value ? value->getAsInteger() : std::nullopt;
    if (!number) {
      fail(field, value ? "not an integer" : "missing");
      return low;
    }
    if (*number < low || *number > high)
      fail(field, llvm::Twine(*number) + " is not in " + llvm::Twine(low) +
                      ".." + llvm::Twine(high));
    return *number;
  }

  bool boolean(llvm::StringRef field) {
    const json::Value *value = object.get(field);
    if (!value)
      return false;
    if (auto flag = value->getAsBoolean())
      return *flag;
    fail(field, "not true or false");
    return false;
  }

  Expr expression(llvm::StringRef field, llvm::ArrayRef<std::string> names) {
    const json::Value *value = object.get(field);
    if (!value) {
      fail(field, "missing");
      return {};
    }
    return expression(*value, field, names);
  }

  Expr expression(const json::Value &value, llvm::StringRef field,
                  llvm::ArrayRef<std::string> names) {
    auto expr = Expr::parse(value, names);
    if (expr)
      return std::move(*expr);
    fail(field, llvm::toString(expr.takeError()));
    return {};
  }

  const json::Array *array(llvm::StringRef field, bool optional = false) {
    if (const json::Array *value = object.getArray(field))
      return value;
    if (!optional || object.get(field))
      fail(field, object.get(field) ? "not an array" : "missing");
    return nullptr;
  }

  /// Unsigned integers of an array field.
  template <typename Vector>
  void integers(llvm::StringRef field, Vector &into, int64_t low,
                int64_t high) {
    if (const json::Array *values = array(field))
      for (const json::Value &value : *values) {
        auto number = value.getAsInteger();
        if (!number || *number < low || *number > high)
          return fail(field, "elements must be integers in " +
                                 llvm::Twine(low) + ".." + llvm::Twine(high));
        into.push_back(*number);
      }
  }

  llvm::Error takeError() {
    if (message.empty())
      return llvm::Error::success();
    return manifestError("manifest: " + message);
  }

private:
  const json::Object &object;
  std::string where, message;
};

constexpr int64_t maxInt = std::numeric_limits<int32_t>::max();

/// Calls `parse(object, "field[i]")` for every element of an array of objects.
template <typename Fn>
llvm::Error forEachObject(const json::Array *array, llvm::StringRef field,
                          Fn parse) {
  if (!array)
    return llvm::Error::success();
  for (auto [index, value] : llvm::enumerate(*array)) {
    std::string where = (field + "[" + llvm::Twine(index) + "]").str();
    const json::Object *object = value.getAsObject();
    if (!object)
      return manifestError("manifest: " + where + ": not an object");
    if (llvm::Error error = parse(*object, where))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error parseTensor(const json::Object &object, llvm::StringRef where,
                        Manifest &manifest) {
  Reader reader(object, where);
  TensorSpec spec;
  spec.name = reader.string("name");
  if (manifest.findTensor(spec.name))
    reader.fail("name", "'" + spec.name + "' is already a tensor");
  std::string dtype = reader.string("dtype");
  if (auto type = parseDType(dtype))
    spec.dtype = *type;
  else
    reader.fail("dtype", "unknown element type '" + dtype + "'");
  std::string mode = reader.string("mode");
  if (mode == "out")
    spec.mode = Mode::Out;
  else if (mode == "inout")
    spec.mode = Mode::InOut;
  else if (mode != "in")
    reader.fail("mode", "'" + mode + "' is not in, out or inout");
  if (const json::Array *shape = reader.array("shape"))
    for (const json::Value &value : *shape)
      spec.shape.push_back(reader.expression(value, "shape", manifest.dims));
  spec.major = reader.integer(
      "major", std::max<int64_t>(0, int64_t(spec.shape.size()) - 1), 0,
      std::max<int64_t>(0, int64_t(spec.shape.size()) - 1));
  spec.align = reader.integer("align", 1, 1, 1 << 20);
  if (!llvm::isPowerOf2_64(spec.align))
    reader.fail("align", "not a power of two");
  manifest.tensors.push_back(std::move(spec));
  return reader.takeError();
}

void parseMap(Reader &reader, const TensorSpec &tensor, MapSpec &map) {
  std::string type = reader.string("dtype");
  if (auto parsed = parseTensorMapType(type))
    map.type = *parsed;
  else
    return reader.fail("dtype", "unknown tensor map type '" + type + "'");
  // The map counts elements of its own type; the copy's subscripts count
  // elements of the tensor, so both must have one size.
  if (bits(map.type) != bits(tensor.dtype))
    reader.fail("dtype", "'" + type + "' has not the size of tensor '" +
                             tensor.name + "', which is " +
                             name(tensor.dtype).str());
  reader.integers("dims", map.dims, 0, int64_t(tensor.shape.size()) - 1);
  reader.integers("box", map.box, 1, 256);
  if (map.dims.empty() || map.dims.size() > 5)
    reader.fail("dims", "a tensor map has 1 to 5 dimensions, not " +
                            llvm::Twine(map.dims.size()));
  if (map.box.size() != map.dims.size())
    reader.fail("box", "has " + llvm::Twine(map.box.size()) + " extents for " +
                           llvm::Twine(map.dims.size()) + " dimensions");
  for (size_t i = 0; i < map.dims.size(); ++i)
    if (llvm::is_contained(llvm::drop_begin(map.dims, i + 1), map.dims[i]))
      reader.fail("dims",
                  "dimension " + llvm::Twine(map.dims[i]) + " is listed twice");
  if (!map.dims.empty() && map.dims.front() != tensor.major)
    reader.fail("dims", "the innermost dimension must be the contiguous one, " +
                            llvm::Twine(tensor.major));
  map.swizzle = reader.integer("swizzle", 0, 0, 128);
  if (!llvm::is_contained({0u, 32u, 64u, 128u}, map.swizzle))
    reader.fail("swizzle", "must be 0, 32, 64 or 128");
  map.interleave = reader.integer("interleave", 0, 0, 32);
  if (!llvm::is_contained({0u, 16u, 32u}, map.interleave))
    reader.fail("interleave", "must be 0, 16 or 32");
  map.l2 = reader.integer("l2", 0, 0, 256);
  if (!llvm::is_contained({0u, 64u, 128u, 256u}, map.l2))
    reader.fail("l2", "must be 0, 64, 128 or 256");
  if (map.box.empty())
    return;
  unsigned innerBytes = map.box.front() * bits(map.type) / 8;
  // CUDA driver API, cuTensorMapEncodeTiled: boxDim and swizzle.
  if (map.interleave == 0 && innerBytes % 16 != 0)
    reader.fail("box", "the inner extent is " + llvm::Twine(innerBytes) +
                           " bytes, not a multiple of 16");
  if (map.interleave == 0 && map.swizzle != 0 && innerBytes > map.swizzle)
    reader.fail("box", "the inner extent is " + llvm::Twine(innerBytes) +
                           " bytes, more than the swizzle span of " +
                           llvm::Twine(map.swizzle));
  if (map.interleave != 0 && map.dims.size() < 3)
    reader.fail("interleave", "needs at least 3 dimensions");
  if (map.interleave == 32 && map.swizzle != 32)
    reader.fail("interleave", "32 needs swizzle 32");
}

llvm::Error parseParam(const json::Object &object, llvm::StringRef where,
                       Manifest &manifest) {
  Reader reader(object, where);
  Param param;
  std::string kind = reader.string("kind");
  param.line = reader.integer("line", 0, 0, maxInt);
  auto tensor = [&]() -> const TensorSpec * {
    std::string name = reader.string("tensor");
    if (auto index = manifest.findTensor(name)) {
      param.tensor = *index;
      return &manifest.tensors[*index];
    }
    reader.fail("tensor", "no tensor is called '" + name + "'");
    return nullptr;
  };
  auto width = [&] {
    std::string type = reader.string("type");
    if (type != "i32" && type != "i64")
      reader.fail("type", "'" + type + "' is not i32 or i64");
    param.is64 = type == "i64";
  };
  if (kind == "tensormap") {
    param.kind = Param::Kind::TensorMap;
    if (const TensorSpec *spec = tensor())
      parseMap(reader, *spec, param.map);
  } else if (kind == "pointer") {
    param.kind = Param::Kind::Pointer;
    (void)tensor();
  } else if (kind == "dim") {
    param.kind = Param::Kind::Dim;
    param.expr = reader.expression("expr", manifest.dims);
    width();
  } else if (kind == "stride") {
    param.kind = Param::Kind::Stride;
    if (const TensorSpec *spec = tensor())
      param.dim = reader.integer("dim", std::nullopt, 0,
                                 int64_t(spec->shape.size()) - 1);
    width();
  } else {
    reader.fail("kind",
                "'" + kind + "' is not tensormap, pointer, dim or stride");
  }
  manifest.params.push_back(std::move(param));
  return reader.takeError();
}

llvm::Error parseLaunch(const json::Object &object, Manifest &manifest) {
  Reader reader(object, "launch");
  LaunchSpec &launch = manifest.launch;
  launch.threads = reader.integer("threads", std::nullopt, 1, 1024);
  if (object.get("cluster")) {
    llvm::SmallVector<unsigned, 3> cluster;
    reader.integers("cluster", cluster, 1, 16);
    // The grid is one-dimensional, and a cluster must divide it.
    if (cluster.size() != 3 || cluster[1] != 1 || cluster[2] != 1)
      reader.fail("cluster", "must be [n, 1, 1]");
    else
      launch.cluster[0] = cluster[0];
  }
  launch.smem = reader.integer("smem", 0, 0, maxInt);
  launch.persistent = reader.boolean("persistent");
  launch.tiles = reader.expression("tiles", manifest.dims);
  launch.pdl = reader.boolean("pdl");
  launch.cooperative = reader.boolean("cooperative");
  return reader.takeError();
}

/// A name that no shape binds could never get a value.
llvm::Error checkBindable(const Manifest &manifest) {
  llvm::StringSet<> bound;
  for (const TensorSpec &tensor : manifest.tensors)
    for (const Expr &extent : tensor.shape)
      if (extent.isDim())
        bound.insert(manifest.dims[extent.value()]);
  std::string missing;
  auto visit = [&](unsigned dim) {
    if (!manifest.baked[dim] && !bound.count(manifest.dims[dim]))
      missing = manifest.dims[dim];
  };
  for (const TensorSpec &tensor : manifest.tensors)
    for (const Expr &extent : tensor.shape)
      extent.forEachDim(visit);
  for (const Requirement &requirement : manifest.requirements)
    requirement.expr.forEachDim(visit);
  for (const Param &param : manifest.params)
    if (param.kind == Param::Kind::Dim)
      param.expr.forEachDim(visit);
  manifest.launch.tiles.forEachDim(visit);
  if (missing.empty())
    return llvm::Error::success();
  return manifestError("manifest: dimension '" + missing +
                       "' is used, but no tensor has it alone as an extent, "
                       "so nothing gives it a value");
}

} // namespace

std::optional<unsigned> Manifest::findTensor(llvm::StringRef name) const {
  for (auto [index, tensor] : llvm::enumerate(tensors))
    if (tensor.name == name)
      return index;
  return std::nullopt;
}

llvm::Expected<Manifest> Manifest::parse(llvm::StringRef text) {
  auto value = json::parse(text);
  if (!value)
    return manifestError("manifest: not JSON: " +
                         llvm::toString(value.takeError()));
  Manifest manifest;
  manifest.text = text.str();
  manifest.json = std::move(*value);
  const json::Object *root = manifest.json.getAsObject();
  if (!root)
    return manifestError("manifest: not a JSON object");
  Reader reader(*root, "");
  std::string format = reader.string("format");
  if (format != "tilewright-1")
    reader.fail("format", "'" + format + "' is not tilewright-1");
  manifest.kernel = reader.string("kernel");
  manifest.symbol = reader.string("symbol");
  manifest.arch = reader.string("arch");

  if (const json::Array *dims = reader.array("dims", /*optional=*/true))
    for (const json::Value &dim : *dims) {
      auto name = dim.getAsString();
      if (!name || llvm::is_contained(manifest.dims, *name))
        reader.fail("dims", name ? "'" + *name + "' is listed twice"
                                 : llvm::Twine("elements must be strings"));
      else
        manifest.dims.push_back(name->str());
    }
  manifest.baked.resize(manifest.dims.size());
  if (const json::Value *field = root->get("baked")) {
    const json::Object *baked = field->getAsObject();
    if (!baked)
      reader.fail("baked", "not an object");
    else
      for (const auto &[key, entry] : *baked) {
        auto number = entry.getAsInteger();
        if (!number) {
          reader.fail("baked", "'" + key.str() + "' is not an integer");
          continue;
        }
        auto found = llvm::find(manifest.dims, key.str());
        if (found == manifest.dims.end()) {
          manifest.dims.push_back(key.str());
          manifest.baked.push_back(*number);
        } else {
          manifest.baked[found - manifest.dims.begin()] = *number;
        }
      }
  }
  const json::Array *tensors = reader.array("tensors");
  const json::Array *requirements = reader.array("requires", true);
  const json::Array *params = reader.array("params");
  const json::Object *launch = root->getObject("launch");
  if (!launch)
    reader.fail("launch", "missing");
  if (llvm::Error error = reader.takeError())
    return std::move(error);

  if (llvm::Error error = forEachObject(
          tensors, "tensors", [&](const json::Object &o, llvm::StringRef at) {
            return parseTensor(o, at, manifest);
          }))
    return std::move(error);
  if (llvm::Error error = forEachObject(
          requirements, "requires",
          [&](const json::Object &object, llvm::StringRef at) {
            Reader entry(object, at);
            Requirement requirement;
            requirement.expr = entry.expression("expr", manifest.dims);
            requirement.text = object.getString("text").value_or("").str();
            if (requirement.text.empty())
              requirement.text = requirement.expr.str();
            requirement.line = entry.integer("line", 0, 0, maxInt);
            manifest.requirements.push_back(std::move(requirement));
            return entry.takeError();
          }))
    return std::move(error);
  if (llvm::Error error = forEachObject(
          params, "params", [&](const json::Object &o, llvm::StringRef at) {
            return parseParam(o, at, manifest);
          }))
    return std::move(error);
  if (llvm::Error error = parseLaunch(*launch, manifest))
    return std::move(error);
  if (llvm::Error error = checkBindable(manifest))
    return std::move(error);
  return std::move(manifest);
}
