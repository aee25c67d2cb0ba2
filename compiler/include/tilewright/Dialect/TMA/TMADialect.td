//===- TMADialect.td - the tma dialect and its types -------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TMA_TMADIALECT_TD
#define TILEWRIGHT_DIALECT_TMA_TMADIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def TMADialect : Dialect {
  let name = "tma";
  let cppNamespace = "::tilewright::tma";
  let summary = "The bulk-copy engine: tensor descriptors and copies";
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::tilewright::tile::TileDialect",
                           "::tilewright::pipe::PipeDialect"];
}

def TMA_DescType : TypeDef<TMADialect, "Desc"> {
  let mnemonic = "desc";
  let summary = "A tensor map: how the engine sees a tensor";
  let description = [{
    `box` is innermost first, in elements; `swizzle` in bytes (0, 32, 64, 128).
    PTX ISA, "Tensors": rank 1 to 5, box extents at most 256, and with a
    swizzle the inner box extent at most the swizzle span.
  }];
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$box, "int64_t":$swizzle,
    "mlir::Type":$elementType);
  let assemblyFormat = [{
    `<` `box` `=` `[` $box `]` `,` `swizzle` `=` $swizzle `,` $elementType `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes of a whole box, out-of-bounds parts included.
    int64_t getBoxBytes() const;
  }];
}

#endif // TILEWRIGHT_DIALECT_TMA_TMADIALECT_TD
