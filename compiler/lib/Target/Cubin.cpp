//===- Cubin.cpp - look inside a cubin ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Cubin.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using support::endian::read16le;
using support::endian::read32le;
using support::endian::read64le;

namespace tilewright::target {

// Sizes of the 64-bit ELF structures (gABI, chapters 4 and 5).
static constexpr uint64_t kHeaderSize = 64;
static constexpr uint64_t kSectionHeaderSize = 64;
static constexpr uint64_t kSymbolSize = 24;

/// In st_other, beside the visibility: the symbol is a kernel.
static constexpr unsigned kStoCudaEntry = 0x10;

static Error broken(const Twine &what) {
  return createStringError("not a usable cubin: " + what);
}

/// `size` bytes at `offset` of `bytes`, if they are there.
static Expected<StringRef> slice(StringRef bytes, uint64_t offset,
                                 uint64_t size, const Twine &what) {
  if (offset > bytes.size() || size > bytes.size() - offset)
    return broken(what + " reaches beyond the end of the file (" +
                  Twine(bytes.size()) + " bytes)");
  return bytes.substr(offset, size);
}

/// The name at `offset` of a string table; empty when there is none.
static StringRef nameAt(StringRef table, uint64_t offset) {
  if (offset >= table.size())
    return {};
  StringRef rest = table.drop_front(offset);
  return rest.take_until([](char c) { return c == '\0'; });
}

const CubinSection *Cubin::section(StringRef name) const {
  for (const CubinSection &entry : sections)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

std::vector<StringRef> Cubin::kernels() const {
  std::vector<StringRef> names;
  for (const CubinSymbol &symbol : symbols)
    if (symbol.isKernel)
      names.push_back(symbol.name);
  return names;
}

bool Cubin::hasLineInfo() const {
  const CubinSection *sass = section(".nv_debug_line_sass");
  return sass && sass->size && !lineTableFiles().empty();
}

/// Takes a NUL-terminated string off the front.
static StringRef takeString(StringRef &bytes) {
  StringRef text = nameAt(bytes, 0);
  bytes = bytes.drop_front(std::min(bytes.size(), text.size() + 1));
  return text;
}

/// Takes an unsigned LEB128 number off the front.
static uint64_t takeNumber(StringRef &bytes) {
  uint64_t value = 0;
  for (unsigned shift = 0; !bytes.empty(); shift += 7) {
    unsigned char byte = bytes.front();
    bytes = bytes.drop_front();
    if (shift < 64)
      value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      break;
  }
  return value;
}

std::vector<std::string> Cubin::lineTableFiles() const {
  std::vector<std::string> files;
  const CubinSection *table = section(".debug_line");
  if (!table)
    return files;
  // Units of DWARF 2 (DWARF 2.0.0, section 6.2.4), which ptxas writes.
  for (StringRef rest = table->contents; rest.size() > 15;) {
    uint64_t length = read32le(rest.data());
    StringRef unit = rest.substr(4, length);
    rest = rest.drop_front(std::min<uint64_t>(rest.size(), length + 4));
    if (unit.size() < 11 || read16le(unit.data()) > 4)
      continue;
    // Past version, header length and five one-byte fields (six since 4).
    unsigned fixed = read16le(unit.data()) >= 4 ? 12 : 11;
    if (unit.size() < fixed)
      continue;
    unsigned char opcodes = unit[fixed - 1];
    unit = unit.drop_front(
        std::min<size_t>(unit.size(), fixed + (opcodes ? opcodes - 1 : 0)));
    SmallVector<StringRef> folders;
    while (!unit.empty()) {
      StringRef folder = takeString(unit);
      if (folder.empty())
        break;
      folders.push_back(folder);
    }
    while (!unit.empty()) {
      StringRef name = takeString(unit);
      if (name.empty())
        break;
      uint64_t folder = takeNumber(unit);
      takeNumber(unit); // modification time
      takeNumber(unit); // size
      std::string path = name.str();
      if (folder >= 1 && folder <= folders.size())
        path = (folders[folder - 1] + "/" + name).str();
      if (!is_contained(files, path))
        files.push_back(std::move(path));
    }
  }
  return files;
}

Expected<Cubin> readCubin(StringRef bytes) {
  if (bytes.size() < kHeaderSize)
    return broken("only " + Twine(bytes.size()) + " bytes");
  const char *header = bytes.data();
  if (!bytes.starts_with(StringRef(ELF::ElfMagic, 4)))
    return broken("no ELF header");
  if (header[ELF::EI_CLASS] != ELF::ELFCLASS64 ||
      header[ELF::EI_DATA] != ELF::ELFDATA2LSB)
    return broken("not a 64-bit little-endian ELF file");
  unsigned machine = read16le(header + 18);
  if (machine != ELF::EM_CUDA)
    return broken("an ELF file for machine " + Twine(machine) +
                  ", not for CUDA (190)");

  uint64_t tableOffset = read64le(header + 40);
  unsigned entrySize = read16le(header + 58), count = read16le(header + 60),
           nameTable = read16le(header + 62);
  if (entrySize != kSectionHeaderSize || count == 0)
    return broken("no section headers");
  Expected<StringRef> table =
      slice(bytes, tableOffset, uint64_t(count) * kSectionHeaderSize,
            "the section header table");
  if (!table)
    return table.takeError();
  if (nameTable >= count)
    return broken("no section names");

  Cubin cubin;
  std::vector<uint32_t> names(count), links(count);
  for (unsigned i = 0; i < count; ++i) {
    const char *entry = table->data() + i * kSectionHeaderSize;
    CubinSection section;
    names[i] = read32le(entry);
    section.type = read32le(entry + 4);
    section.flags = read64le(entry + 8);
    section.offset = read64le(entry + 24);
    section.size = read64le(entry + 32);
    links[i] = read32le(entry + 40);
    if (section.type != ELF::SHT_NOBITS && section.type != ELF::SHT_NULL) {
      Expected<StringRef> contents =
          slice(bytes, section.offset, section.size, "section " + Twine(i));
      if (!contents)
        return contents.takeError();
      section.contents = *contents;
    }
    cubin.sections.push_back(section);
  }
  for (unsigned i = 0; i < count; ++i)
    cubin.sections[i].name =
        nameAt(cubin.sections[nameTable].contents, names[i]);

  for (unsigned i = 0; i < count; ++i) {
    if (cubin.sections[i].type != ELF::SHT_SYMTAB)
      continue;
    if (links[i] >= count)
      return broken("the symbol table has no names");
    StringRef strings = cubin.sections[links[i]].contents;
    StringRef table = cubin.sections[i].contents;
    for (uint64_t at = 0; at + kSymbolSize <= table.size(); at += kSymbolSize) {
      const char *entry = table.data() + at;
      CubinSymbol symbol;
      symbol.name = nameAt(strings, read32le(entry));
      unsigned info = static_cast<unsigned char>(entry[4]);
      unsigned other = static_cast<unsigned char>(entry[5]);
      symbol.section = read16le(entry + 6);
      symbol.value = read64le(entry + 8);
      symbol.size = read64le(entry + 16);
      symbol.isFunction = (info & 0xf) == ELF::STT_FUNC;
      symbol.isGlobal = (info >> 4) == ELF::STB_GLOBAL;
      symbol.isKernel = symbol.isFunction && (other & kStoCudaEntry);
      if (!symbol.name.empty())
        cubin.symbols.push_back(symbol);
    }
  }
  return cubin;
}

} // namespace tilewright::target
