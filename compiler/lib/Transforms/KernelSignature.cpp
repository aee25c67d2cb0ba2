//===- KernelSignature.cpp - parameters of a kernel and its manifest ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSignature.h"
#include "tilewright/Transforms/HostExpression.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

/// The name that sources and the manifest use for an element type.
static std::string getDtypeName(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return "e4m3";
  if (isa<Float8E5M2Type>(type))
    return "e5m2";
  if (isa<Float8E8M0FNUType>(type))
    return "ue8m0";
  if (isa<Float4E2M1FNType>(type))
    return "e2m1";
  if (isa<FloatTF32Type>(type))
    return "tf32";
  if (isa<BFloat16Type>(type))
    return "bf16";
  if (isa<FloatType>(type))
    return ("f" + Twine(type.getIntOrFloatBitWidth())).str();
  if (type.isUnsignedInteger())
    return ("u" + Twine(type.getIntOrFloatBitWidth())).str();
  return ("i" + Twine(type.getIntOrFloatBitWidth())).str();
}

/// What a tensor map calls the element type: only rounding and reductions look
/// at it, so 8-bit floats are bytes.
static std::string getTensorMapDtype(Type type) {
  if (type.getIntOrFloatBitWidth() == 8)
    return "u8";
  return getDtypeName(type);
}

static int64_t getLine(Location loc) {
  if (auto file = loc->findInstanceOf<FileLineColLoc>())
    return file.getLine();
  return 0;
}

LogicalResult KernelSignature::collect() {
  Block &body = kernel.getBody().front();
  SmallVector<Param> pointers, dims, strides;
  WalkResult result = kernel.walk([&](tma::DescriptorOp op) {
    auto arg = dyn_cast<BlockArgument>(op.getTensor());
    if (!arg || arg.getOwner() != &body) {
      op.emitOpError("describes what is not an argument of the kernel");
      return WalkResult::interrupt();
    }
    bool known = llvm::any_of(params, [&](Param &param) {
      return param.map.getTensor() == op.getTensor() &&
             param.map.getDims() == op.getDims() &&
             param.map.getDesc().getType() == op.getDesc().getType();
    });
    if (!known)
      params.push_back({Param::TensorMap, arg.getArgNumber(), 0, op});
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  for (BlockArgument arg : body.getArguments()) {
    unsigned number = arg.getArgNumber();
    auto tensor = dyn_cast<GlobalTensorType>(arg.getType());
    if (!tensor) {
      dims.push_back({Param::Dim, number});
      continue;
    }
    bool accessed = false;
    for (Operation *user : arg.getUsers()) {
      if (isa<LoadElementOp, StoreElementOp>(user))
        accessed = true;
      else if (!isa<tma::DescriptorOp, DimOp>(user))
        return user->emitOpError("uses tensor '")
               << kernel.getArgName(number) << "' in a way that is not lowered";
    }
    if (!accessed)
      continue;
    pointers.push_back({Param::Pointer, number});
    int64_t major =
        kernel.getArgAttrOfType<IntegerAttr>(number, "tile.major").getInt();
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
      if (dim != major)
        strides.push_back({Param::Stride, number, dim});
  }
  llvm::append_range(params, pointers);
  llvm::append_range(params, dims);
  llvm::append_range(params, strides);
  for (const Param &param : params)
    described.push_back(describe(param));
  return success();
}

LLVM::LLVMFuncOp KernelSignature::createFunction(OpBuilder &builder,
                                                 int64_t threads) {
  MLIRContext *context = builder.getContext();
  Type map = LLVM::LLVMPointerType::get(context);
  Type global = LLVM::LLVMPointerType::get(context, 1);
  SmallVector<Type> types;
  for (const Param &param : params) {
    switch (param.kind) {
    case Param::TensorMap:
      types.push_back(map);
      break;
    case Param::Pointer:
      types.push_back(global);
      break;
    case Param::Dim:
      types.push_back(builder.getI32Type());
      break;
    case Param::Stride:
      types.push_back(builder.getI64Type());
      break;
    }
  }
  Type none = LLVM::LLVMVoidType::get(context);
  func = LLVM::LLVMFuncOp::create(builder, kernel.getLoc(), kernel.getSymName(),
                                  LLVM::LLVMFunctionType::get(none, types));
  // A tensor map must lie in parameter memory, 64-byte aligned; without
  // grid_constant LLVM would copy it to local memory (codegen notes, 2.4).
  auto bytes = LLVM::LLVMArrayType::get(builder.getI8Type(), 128);
  for (auto [i, param] : llvm::enumerate(params)) {
    if (param.kind != Param::TensorMap)
      continue;
    func.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                    TypeAttr::get(bytes));
    func.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                    builder.getI64IntegerAttr(64));
    func.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(),
                    builder.getUnitAttr());
  }
  // reqntid with minctasm: ptxas ignores setmaxnreg when it does not know the
  // registers at entry (C7508).
  func->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                builder.getUnitAttr());
  func->setAttr(
      NVVM::NVVMDialect::getReqntidAttrName(),
      builder.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  func->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                builder.getI32IntegerAttr(1));
  if (auto launch = kernel->getAttrOfType<DictionaryAttr>("launch"))
    if (auto cluster = launch.getAs<ArrayAttr>("cluster")) {
      SmallVector<int32_t> extents;
      for (auto extent : cluster.getAsRange<IntegerAttr>())
        extents.push_back(static_cast<int32_t>(extent.getInt()));
      func->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                    builder.getDenseI32ArrayAttr(extents));
    }
  func.addEntryBlock(builder);
  return func;
}

LogicalResult KernelSignature::replaceArguments(OpBuilder &builder) {
  Location loc = kernel.getLoc();
  Block &body = kernel.getBody().front();
  Block &entry = func.getBody().front();
  llvm::DenseMap<unsigned, Value> pointers;
  llvm::DenseMap<std::pair<unsigned, int64_t>, Value> strides;
  llvm::StringMap<Value> dims;
  SmallVector<std::pair<tma::DescriptorOp, Value>> maps;
  for (auto [i, param] : llvm::enumerate(params)) {
    Value value = entry.getArgument(i);
    switch (param.kind) {
    case Param::TensorMap: {
      Value desc =
          UnrealizedConversionCastOp::create(
              builder, param.map.getLoc(), param.map.getDesc().getType(), value)
              .getResult(0);
      descriptors.push_back(desc);
      maps.push_back({param.map, desc});
      break;
    }
    case Param::Pointer:
      pointers[param.arg] = value;
      break;
    case Param::Dim: {
      // Extents fit 31 bits; index arithmetic is 32-bit.
      Value index = arith::IndexCastUIOp::create(builder, loc,
                                                 builder.getIndexType(), value);
      dims[kernel.getArgName(param.arg)] = index;
      body.getArgument(param.arg).replaceAllUsesWith(index);
      break;
    }
    case Param::Stride:
      strides[{param.arg, param.dim}] = value;
      break;
    }
  }

  SmallVector<tma::DescriptorOp> ops;
  kernel.walk([&](tma::DescriptorOp op) { ops.push_back(op); });
  for (tma::DescriptorOp op : ops)
    for (auto [map, desc] : maps)
      if (map.getTensor() == op.getTensor() && map.getDims() == op.getDims() &&
          map.getDesc().getType() == op.getDesc().getType())
        op.getDesc().replaceAllUsesWith(desc);
  for (tma::DescriptorOp op : ops)
    op.erase();

  auto lookup = [&](StringRef name) { return dims.lookup(name); };
  llvm::DenseMap<Attribute, Value> extents;
  auto getExtent = [&](unsigned arg, int64_t dim) -> Value {
    auto shape = kernel.getArgAttrOfType<ArrayAttr>(arg, "tile.shape");
    Value &extent = extents[shape[dim]];
    if (!extent)
      extent = expandHostExpression(builder, loc, shape[dim], lookup);
    if (!extent)
      kernel.emitOpError("cannot compute extent ")
          << dim << " of tensor '" << kernel.getArgName(arg) << "' from "
          << shape[dim];
    return extent;
  };
  for (BlockArgument arg : body.getArguments()) {
    unsigned number = arg.getArgNumber();
    auto tensor = dyn_cast<GlobalTensorType>(arg.getType());
    if (!tensor)
      continue;
    for (Operation *user : llvm::make_early_inc_range(arg.getUsers()))
      if (auto op = dyn_cast<DimOp>(user)) {
        Value extent = getExtent(number, static_cast<int64_t>(op.getDim()));
        if (!extent)
          return failure();
        op.getResult().replaceAllUsesWith(extent);
        op.erase();
      }
    if (!pointers.count(number))
      continue;
    SmallVector<Value> parts{pointers[number]};
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim) {
      Value stride = strides.lookup({number, dim});
      if (!stride)
        stride = arith::ConstantIntOp::create(builder, loc, 1, 64);
      parts.push_back(stride);
    }
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim) {
      Value extent = getExtent(number, dim);
      if (!extent)
        return failure();
      parts.push_back(extent);
    }
    auto cast =
        UnrealizedConversionCastOp::create(builder, loc, arg.getType(), parts);
    auto mode = kernel.getArgAttrOfType<StringAttr>(number, "tile.mode");
    if (mode && mode.getValue() == "in")
      cast->setAttr("tile.readonly", builder.getUnitAttr());
    arg.replaceAllUsesWith(cast.getResult(0));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

DictionaryAttr KernelSignature::describe(const Param &param) {
  Builder builder(kernel.getContext());
  auto text = [&](StringRef s) { return builder.getStringAttr(s); };
  auto number = [&](int64_t n) { return builder.getI64IntegerAttr(n); };
  auto list = [&](ArrayRef<int64_t> values) {
    SmallVector<Attribute> attrs;
    for (int64_t value : values)
      attrs.push_back(number(value));
    return builder.getArrayAttr(attrs);
  };
  NamedAttrList entry;
  StringRef name = kernel.getArgName(param.arg);
  switch (param.kind) {
  case Param::TensorMap: {
    tma::DescriptorOp op = param.map;
    tma::DescType desc = op.getDesc().getType();
    entry.set("kind", text("tensormap"));
    entry.set("tensor", text(name));
    entry.set("dtype", text(getTensorMapDtype(desc.getElementType())));
    entry.set("box", list(desc.getBox()));
    entry.set("swizzle", number(desc.getSwizzle()));
    entry.set("dims", list(op.getDims()));
    entry.set("interleave", number(0));
    entry.set("l2", number(256));
    entry.set("line", number(getLine(op.getLoc())));
    break;
  }
  case Param::Pointer:
    entry.set("kind", text("pointer"));
    entry.set("tensor", text(name));
    break;
  case Param::Dim:
    entry.set("kind", text("dim"));
    entry.set("expr", text(name));
    entry.set("type", text("i32"));
    break;
  case Param::Stride:
    entry.set("kind", text("stride"));
    entry.set("tensor", text(name));
    entry.set("dim", number(param.dim));
    entry.set("type", text("i64"));
    break;
  }
  return entry.getDictionary(kernel.getContext());
}

DictionaryAttr KernelSignature::buildManifest(int64_t threads,
                                              int64_t smemBytes) {
  MLIRContext *context = kernel.getContext();
  Builder builder(context);
  SmallVector<Attribute> dims, tensors;
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    auto name = builder.getStringAttr(kernel.getArgName(i));
    auto tensor = dyn_cast<GlobalTensorType>(type);
    if (!tensor) {
      dims.push_back(name);
      continue;
    }
    NamedAttrList entry;
    entry.set("name", name);
    entry.set("dtype",
              builder.getStringAttr(getDtypeName(tensor.getElementType())));
    Attribute mode = kernel.getArgAttr(i, "tile.mode");
    entry.set("mode", mode ? mode : builder.getStringAttr("in"));
    entry.set("shape", kernel.getArgAttr(i, "tile.shape"));
    entry.set("major", kernel.getArgAttr(i, "tile.major"));
    tensors.push_back(entry.getDictionary(context));
  }

  NamedAttrList launch;
  if (auto given = kernel->getAttrOfType<DictionaryAttr>("launch"))
    for (NamedAttribute attr : given)
      launch.set(attr.getName(), attr.getValue());
  auto number = [&](int64_t n) -> Attribute {
    return builder.getI64IntegerAttr(n);
  };
  auto setDefault = [&](StringRef name, Attribute value) {
    if (!launch.get(name))
      launch.set(name, value);
  };
  launch.set("threads", number(threads));
  launch.set("smem", number(smemBytes));
  setDefault("cluster",
             builder.getArrayAttr({number(1), number(1), number(1)}));
  setDefault("tiles", number(1));
  setDefault("persistent", builder.getBoolAttr(false));
  setDefault("pdl", builder.getBoolAttr(kernel->hasAttr("pdl")));
  setDefault("cooperative", builder.getBoolAttr(false));

  NamedAttrList manifest;
  auto copy = [&](StringRef name, Attribute fallback) {
    Attribute given = kernel->getAttr(name);
    manifest.set(name, given ? given : fallback);
  };
  manifest.set("format", builder.getStringAttr("tilewright-1"));
  manifest.set("kernel", kernel.getSymNameAttr());
  manifest.set("symbol", kernel.getSymNameAttr());
  manifest.set("arch", kernel.getTargetAttr());
  copy("constants", builder.getDictionaryAttr({}));
  copy("baked", builder.getDictionaryAttr({}));
  manifest.set("dims", builder.getArrayAttr(dims));
  manifest.set("tensors", builder.getArrayAttr(tensors));
  copy("requires", builder.getArrayAttr({}));
  manifest.set("params", builder.getArrayAttr(described));
  manifest.set("launch", launch.getDictionary(context));
  return manifest.getDictionary(context);
}
