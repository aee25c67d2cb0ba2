//===- Table.cpp - configurations that were measured to be the best -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Tuning/Table.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MD5.h"
#include "llvm/Support/Path.h"
#include <cstdlib>

using namespace llvm;
using namespace tilewright::tuning;

std::string Configuration::str() const {
  std::string text;
  for (const auto &[name, value] : constants)
    text += (text.empty() ? "" : " ") + name + "=" + value;
  for (const auto &[name, value] : hints)
    text += (text.empty() ? "hint." : " hint.") + name + "=" +
            std::to_string(value);
  return text;
}

static Error bad(const Twine &what) {
  return createStringError(inconvertibleErrorCode(),
                           "not a table of configurations: " + what);
}

static Expected<TableEntry> parseEntry(const json::Object &object) {
  TableEntry entry;
  const json::Object *dims = object.getObject("dims");
  const json::Object *constants = object.getObject("constants");
  if (!dims || !constants)
    return bad("an entry lacks 'dims' or 'constants'");
  for (const auto &[name, value] : *dims) {
    auto number = value.getAsInteger();
    const json::Array *range = value.getAsArray();
    if (number) {
      entry.dims[name.str()] = {*number, *number};
      continue;
    }
    auto low = range && range->size() == 2 ? (*range)[0].getAsInteger()
                                           : std::optional<int64_t>();
    auto high = low ? (*range)[1].getAsInteger() : std::optional<int64_t>();
    if (!high)
      return bad("dimension '" + StringRef(name) +
                 "' is neither a number nor [from, to]");
    entry.dims[name.str()] = {*low, *high};
  }
  for (const auto &[name, value] : *constants) {
    if (auto text = value.getAsString())
      entry.configuration.constants[name.str()] = text->str();
    else if (auto number = value.getAsInteger())
      entry.configuration.constants[name.str()] = std::to_string(*number);
    else
      return bad("constant '" + StringRef(name) + "' has no value");
  }
  if (const json::Object *hints = object.getObject("hints"))
    for (const auto &[name, value] : *hints) {
      auto number = value.getAsInteger();
      if (!number || *number < 0)
        return bad("hint '" + StringRef(name) + "' is no number");
      entry.configuration.hints[name.str()] = *number;
    }
  entry.microseconds = object.getNumber("microseconds").value_or(0);
  return entry;
}

Expected<Table> Table::parse(StringRef text) {
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  const json::Object *root = value->getAsObject();
  if (!root || root->getString("format").value_or("") != format)
    return bad("its format is not '" + format + "'");
  Table table;
  auto kernel = root->getString("kernel"), source = root->getString("source");
  const json::Object *chips = root->getObject("chips");
  if (!kernel || !source || !chips)
    return bad("it lacks 'kernel', 'source' or 'chips'");
  table.kernel = kernel->str();
  table.source = source->str();
  for (const auto &[chip, list] : *chips) {
    const json::Array *entries = list.getAsArray();
    if (!entries)
      return bad("chip '" + StringRef(chip) + "' has no list");
    for (const json::Value &each : *entries) {
      const json::Object *object = each.getAsObject();
      if (!object)
        return bad("an entry is no object");
      Expected<TableEntry> entry = parseEntry(*object);
      if (!entry)
        return entry.takeError();
      table.chips[chip.str()].push_back(std::move(*entry));
    }
  }
  return table;
}

json::Value Table::toJSON() const {
  json::Object all;
  for (const auto &[chip, entries] : chips) {
    json::Array list;
    for (const TableEntry &entry : entries) {
      json::Object dims, constants, hints;
      for (const auto &[name, range] : entry.dims)
        dims[name] = range.first == range.second
                         ? json::Value(range.first)
                         : json::Value(json::Array{range.first, range.second});
      for (const auto &[name, text] : entry.configuration.constants)
        constants[name] = text;
      for (const auto &[name, number] : entry.configuration.hints)
        hints[name] = number;
      list.push_back(json::Object{{"dims", std::move(dims)},
                                  {"constants", std::move(constants)},
                                  {"hints", std::move(hints)},
                                  {"microseconds", entry.microseconds}});
    }
    all[chip] = std::move(list);
  }
  return json::Object{{"format", format.str()},
                      {"kernel", kernel},
                      {"source", source},
                      {"chips", std::move(all)}};
}

const TableEntry *
Table::find(StringRef chip, const std::map<std::string, int64_t> &dims) const {
  auto list = chips.find(chip.str());
  if (list == chips.end())
    return nullptr;
  for (const TableEntry &entry : list->second) {
    bool holds = true;
    for (const auto &[name, range] : entry.dims) {
      auto dim = dims.find(name);
      holds &= dim != dims.end() && dim->second >= range.first &&
               dim->second <= range.second;
    }
    if (holds)
      return &entry;
  }
  return nullptr;
}

std::string tilewright::tuning::hashSource(StringRef text) {
  MD5 hash;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"')
        quoted = !quoted;
      if (line[i] == '#' && !quoted) {
        line = line.take_front(i);
        break;
      }
    }
    line = line.trim();
    if (!line.empty()) {
      hash.update(line);
      hash.update("\n");
    }
    text = rest;
  }
  MD5::MD5Result result;
  hash.final(result);
  return std::string(result.digest());
}

std::vector<std::string> tilewright::tuning::tablePaths(StringRef kernelPath) {
  std::string name = sys::path::stem(kernelPath).str() + ".json";
  std::vector<std::string> paths;
  auto add = [&](const Twine &a, const Twine &b, const Twine &c) {
    SmallString<128> path;
    sys::path::append(path, a, b, c);
    paths.push_back(std::string(path));
  };
  if (const char *folder = std::getenv("TILEWRIGHT_TABLES")) {
    if (*folder)
      add(folder, "", name);
    return paths;
  }
  StringRef folder = sys::path::parent_path(kernelPath);
  std::string here = folder.empty() ? "." : folder.str();
  add(here, "tables", name);
  add(here + "/..", "tables", name);
  return paths;
}
