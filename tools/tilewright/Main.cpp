//===- Main.cpp - the program tilewright: an entry to libtilewright.so ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright-c/tilewright.h"

int main(int argc, char **argv) { return twMain(argc, argv); }
