//===- CubinTest.cpp - reading cubins -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Cubin.h"
#include "tilewright/Target/Assembler.h"

#include "llvm/Support/Endian.h"
#include "gtest/gtest.h"

using namespace tilewright::target;
using namespace llvm::support;

/// A small cubin written by hand: a kernel `k`, a device function, a line
/// table that names `dir/a.tw`.
static std::string handmade() {
  std::string names("\0.shstrtab\0.strtab\0.symtab\0.text.k\0.debug_line\0"
                    ".nv_debug_line_sass\0",
                    68);
  std::string strings("\0k\0helper\0", 10);
  auto put = [](std::string &out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      out += static_cast<char>(value >> (8 * i));
  };
  std::string symbols(24, '\0');
  auto symbol = [&](unsigned name, unsigned char info, unsigned char other) {
    put(symbols, name, 4);
    symbols += static_cast<char>(info);
    symbols += static_cast<char>(other);
    put(symbols, 4, 2);
    put(symbols, 0, 8);
    put(symbols, 128, 8);
  };
  symbol(1, 0x12, 0x10); // global function, STO_CUDA_ENTRY
  symbol(3, 0x02, 0x00); // local function
  std::string text(128, '\0');

  std::string header; // of the line program, after unit_length
  put(header, 2, 2);
  std::string rest;
  rest += std::string("\x01\x01\xfb\x0e\x01", 5); // opcode_base 1
  rest += std::string("dir\0\0", 5);
  rest += std::string("a.tw\0\x01\x00\x00\0", 9);
  put(header, rest.size(), 4);
  header += rest;
  std::string lines;
  put(lines, header.size(), 4);
  lines += header;
  std::string sass(8, '\1');

  struct Entry {
    unsigned name, type, link;
    const std::string *bytes;
  };
  const std::string none;
  const Entry entries[] = {{0, 0, 0, &none},     {1, 3, 0, &names},
                           {11, 3, 0, &strings}, {19, 2, 2, &symbols},
                           {27, 1, 0, &text},    {35, 1, 0, &lines},
                           {47, 1, 0, &sass}};
  std::string out("\177ELF\2\1\1", 7);
  out.resize(16);
  put(out, 2, 2);
  put(out, 190, 2); // EM_CUDA
  out.resize(64);
  std::string table;
  for (const Entry &entry : entries) {
    put(table, entry.name, 4);
    put(table, entry.type, 4);
    put(table, 0, 8);
    put(table, 0, 8);
    put(table, out.size(), 8);
    put(table, entry.bytes->size(), 8);
    put(table, entry.link, 4);
    put(table, 0, 4);
    put(table, 0, 8);
    put(table, 0, 8);
    out += *entry.bytes;
  }
  endian::write64le(&out[40], out.size());
  endian::write16le(&out[58], 64);
  endian::write16le(&out[60], 7);
  endian::write16le(&out[62], 1);
  return out + table;
}

TEST(Cubin, ReadsSymbolsAndLines) {
  std::string bytes = handmade();
  llvm::Expected<Cubin> cubin = readCubin(bytes);
  ASSERT_TRUE(!!cubin) << llvm::toString(cubin.takeError());
  ASSERT_EQ(cubin->kernels().size(), 1u);
  EXPECT_EQ(cubin->kernels()[0], "k");
  ASSERT_EQ(cubin->symbols.size(), 2u);
  EXPECT_TRUE(cubin->symbols[0].isGlobal);
  EXPECT_EQ(cubin->symbols[0].size, 128u);
  EXPECT_EQ(cubin->symbols[1].name, "helper");
  EXPECT_FALSE(cubin->symbols[1].isKernel);
  EXPECT_FALSE(cubin->symbols[1].isGlobal);
  ASSERT_TRUE(cubin->section(".text.k"));
  EXPECT_EQ(cubin->section(".text.k")->size, 128u);
  EXPECT_EQ(cubin->section(".text.other"), nullptr);
  EXPECT_EQ(cubin->lineTableFiles(), std::vector<std::string>{"dir/a.tw"});
  EXPECT_TRUE(cubin->hasLineInfo());
}

static std::string errorOf(llvm::StringRef bytes) {
  llvm::Expected<Cubin> cubin = readCubin(bytes);
  return cubin ? "" : llvm::toString(cubin.takeError());
}

TEST(Cubin, RefusesWhatIsNone) {
  std::string bytes = handmade();
  EXPECT_NE(errorOf("").find("only 0 bytes"), std::string::npos);
  EXPECT_NE(errorOf(std::string(200, 'x')).find("no ELF header"),
            std::string::npos);
  std::string other = bytes;
  endian::write16le(&other[18], 62);
  EXPECT_NE(errorOf(other).find("machine 62"), std::string::npos);
  // Any truncation loses the section table, which is last.
  for (size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_NE(errorOf(llvm::StringRef(bytes).take_front(length)), "");
}

TEST(Cubin, SurvivesDamage) {
  std::string good = handmade();
  unsigned seed = 7;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 4; ++change) {
      seed = seed * 1664525 + 1013904223;
      bytes[(seed >> 8) % bytes.size()] = static_cast<char>(seed >> 3);
    }
    if (llvm::Expected<Cubin> cubin = readCubin(bytes))
      (void)cubin->hasLineInfo();
    else
      llvm::consumeError(cubin.takeError());
  }
}
