//===- PipeDialect.td - the pipe dialect and its types -----*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_TD
#define TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def PipeDialect : Dialect {
  let name = "pipe";
  let cppNamespace = "::tilewright::pipe";
  let summary = "The protocol between roles: rings of slots, full and empty";
  let description = [{
    A ring is a symbol of its kernel; a slot is an SSA value that may be
    carried by loops. The formal event model (put, full, get, read retired,
    free) is in docs/rationale/pipe.md.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::tilewright::tile::TileDialect"];
}

class Pipe_Type<string name, string typeMnemonic>
    : TypeDef<PipeDialect, name> {
  let mnemonic = typeMnemonic;
}

def Pipe_SlotType : Pipe_Type<"Slot", "slot"> {
  let summary = "One slot of a ring";
  let parameters = (ins "mlir::FlatSymbolRefAttr":$ring);
  let assemblyFormat = "`<` $ring `>`";
}

def Pipe_TokenType : Pipe_Type<"Token", "token"> {
  let summary = "Stands for asynchronous reads of slots that may still run";
  let description = [{
    Produced by an asynchronous reader (`mma.contract`); a release that lists
    it happens after those reads have retired.
  }];
}

#endif // TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_TD
