//===- AsyncInterfaces.td - what runs beside the program ---*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_TD
#define TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_TD

include "mlir/IR/OpBase.td"

def AsyncReaderInterface : OpInterface<"AsyncReaderInterface"> {
  let cppNamespace = "::tilewright";
  let description = [{
    An operation after which views of shared memory are still being read: the
    slot that such a view belongs to must not be given back before the reads
    have retired. How that is known is `getReadRetirement`.
  }];
  let methods = [
    InterfaceMethod<"The views that are read after the operation has returned.",
      "::llvm::SmallVector<::mlir::Value>", "getAsyncReads">,
    InterfaceMethod<"Where the end of the reads can be observed.",
      "::tilewright::ReadRetirement", "getReadRetirement">,
    InterfaceMethod<[{
      The token that stands for the reads (`ReadRetirement::Token`), to be
      listed by the releases of the slots read; null for the other kinds.
      }], "::mlir::Value", "getReadToken", (ins), [{}],
      /*defaultImplementation=*/[{ return {}; }]>
  ];
}

def SlotFillerInterface : OpInterface<"SlotFillerInterface"> {
  let cppNamespace = "::tilewright";
  let description = [{
    An operation that fills (part of) a field of a slot asynchronously, and
    whose end is signalled at the slot's full barrier by transaction bytes.
    `pipe::getSlotOf` finds the slot of the view.
  }];
  let methods = [
    InterfaceMethod<"The view that is filled, wholly or in part.",
      "::mlir::Value", "getFilledView">,
    InterfaceMethod<[{
      Bytes that arrive at the full barrier: those of the whole box, however
      much of it lies out of bounds, because the rest is filled with zeros
      (PTX ISA, "Tensors", out-of-boundary access).
      }], "int64_t", "getTransactionBytes">
  ];
}

def ContractionInterface : OpInterface<"ContractionInterface"> {
  let cppNamespace = "::tilewright";
  let description = [{
    An operation that contracts all axes which its two operands share, on the
    tensor cores. Layouts are inferred from it: how the fields of its operands
    must lie in shared memory, and which fragment its result comes in.
  }];
  let methods = [
    InterfaceMethod<"The operand of the machine's M side: a tile or a view.",
      "::mlir::Value", "getMatrixA", (ins), [{}],
      /*defaultImplementation=*/[{ return $_op.getA(); }]>,
    InterfaceMethod<"The operand of the machine's N side: a tile or a view.",
      "::mlir::Value", "getMatrixB", (ins), [{}],
      /*defaultImplementation=*/[{ return $_op.getB(); }]>
  ];
}

#endif // TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_TD
