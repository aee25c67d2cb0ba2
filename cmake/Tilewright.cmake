# Helpers shared by every part: include paths, warning flags, the way LLVM and
# MLIR are linked (shared for development, static for release), precompiled
# headers and one-line declarations of libraries, dialects and tools.

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
foreach(part dsl compiler runtime sim)
  include_directories(${PROJECT_SOURCE_DIR}/${part}/include
                      ${PROJECT_BINARY_DIR}/${part}/include)
endforeach()

separate_arguments(tilewright_llvm_definitions NATIVE_COMMAND
                   "${LLVM_DEFINITIONS}")
add_definitions(${tilewright_llvm_definitions})
add_compile_options(-fno-exceptions -ffunction-sections -fdata-sections
                    -fvisibility-inlines-hidden -Wall -Wextra
                    -Wno-unused-parameter)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Lets ccache reuse objects built with a precompiled header.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()

# Programs share the libraries' precompiled header, which must have been built
# with the same kind of position independence.
set(CMAKE_C_COMPILE_OPTIONS_PIE -fPIC)
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)

if(TILEWRIGHT_STATIC)
  include(TilewrightStatic)
endif()

# Links `target` with LLVM's Support library only (front end, runtime, pure
# libraries).
function(tilewright_link_llvm_support target)
  if(TILEWRIGHT_STATIC)
    target_link_libraries(${target} PUBLIC LLVMSupport)
  else()
    target_link_libraries(${target} PUBLIC LLVM)
  endif()
endfunction()

# Links `target` with MLIR, and with the parts of LLVM that emit PTX.
function(tilewright_link_mlir target)
  if(TILEWRIGHT_STATIC)
    target_link_libraries(${target} PUBLIC ${TILEWRIGHT_STATIC_LIBS})
  else()
    target_link_libraries(${target} PUBLIC MLIR LLVM)
  endif()
endfunction()

# One object library owns the precompiled header; everything that includes
# MLIR reuses it. Instantiating templates in it is what makes an edited pass
# rebuild in about two seconds.
function(tilewright_use_pch target)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  if(NOT TARGET TilewrightPCH)
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pch.cpp CONTENT "")
    add_library(TilewrightPCH OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
    target_precompile_headers(TilewrightPCH PRIVATE
      ${PROJECT_SOURCE_DIR}/cmake/pch.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM TilewrightPCH)
endfunction()

# tilewright_add_library(Name [MLIR] SOURCES ... [LINK ...] [DEPENDS ...])
function(tilewright_add_library name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_MLIR)
    tilewright_link_mlir(${name})
    tilewright_use_pch(${name})
  else()
    tilewright_link_llvm_support(${name})
  endif()
endfunction()

# tilewright_add_tool(name [MLIR] SOURCES ... [LINK ...])
function(tilewright_add_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(ARG_MLIR)
    tilewright_link_mlir(${name})
    tilewright_use_pch(${name})
  else()
    tilewright_link_llvm_support(${name})
  endif()
endfunction()
