//===- Symbols.cpp - a manifest's names for the simulator -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Symbols.h"

using namespace llvm;
using namespace tilewright;

static unsigned number(const json::Object &object, StringRef key) {
  return static_cast<unsigned>(object.getInteger(key).value_or(0));
}

template <typename Fn>
static void forEach(const json::Object &object, StringRef key, Fn fn) {
  if (const json::Array *array = object.getArray(key))
    for (const json::Value &value : *array)
      if (const json::Object *entry = value.getAsObject())
        fn(*entry);
}

static std::string name(const json::Object &object, StringRef key = "name") {
  return object.getString(key).value_or("").str();
}

static void addBarriers(sim::Symbols &symbols, const json::Object &buffer,
                        StringRef key, const std::string &owner,
                        sim::Symbols::Meaning meaning) {
  const json::Object *side = buffer.getObject(key);
  if (!side)
    return;
  std::vector<sim::Symbols::Party> parties;
  forEach(*side, "parties", [&](const json::Object &party) {
    parties.push_back({name(party, "role"), number(party, "arrivals")});
  });
  // PTX ISA, "mbarrier object": 8 bytes.
  for (unsigned slot = 0; slot < number(buffer, "stages"); ++slot)
    symbols.barriers.push_back(
        {number(*side, "offset") + 8 * slot, owner, slot, meaning, parties});
}

sim::Symbols cli::describeSymbols(const json::Object &manifest) {
  sim::Symbols symbols;
  const json::Object *resources = manifest.getObject("resources");
  if (!resources)
    return symbols;
  forEach(*resources, "roles", [&](const json::Object &role) {
    symbols.roles.push_back(
        {name(role), number(role, "first_warp"), number(role, "warps")});
  });
  forEach(*resources, "buffers", [&](const json::Object &buffer) {
    bool isStore = buffer.getBoolean("implicit").value_or(false);
    std::string owner = (isStore ? "store " : "pipe ") + name(buffer);
    forEach(buffer, "fields", [&](const json::Object &field) {
      unsigned slots = number(buffer, "stages") * number(buffer, "copies");
      for (unsigned slot = 0; slot < slots; ++slot)
        symbols.ranges.push_back(
            {number(field, "offset") + number(field, "stride") * slot,
             number(field, "bytes"), owner, slot, name(field)});
    });
    addBarriers(symbols, buffer, "full", owner, sim::Symbols::Meaning::Full);
    addBarriers(symbols, buffer, "empty", owner, sim::Symbols::Meaning::Free);
  });
  return symbols;
}
