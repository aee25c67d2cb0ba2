# The release form: LLVM and MLIR linked statically, so that the compiler and
# libtilewright.so need only libc and libm at run time.
#
# Defines TILEWRIGHT_STATIC_LIBS, the libraries that the compiler links, and
# sets the link options of every target declared afterwards.

# Debian exports every MLIR library with the *shared* libLLVM in its link
# interface. Left there, the program would hold two copies of LLVM: it links,
# then dies at run time because passes are registered in the other copy.
foreach(target IN LISTS MLIR_EXPORTED_TARGETS)
  if(NOT TARGET ${target})
    continue()
  endif()
  get_target_property(interface ${target} INTERFACE_LINK_LIBRARIES)
  if(interface)
    list(REMOVE_ITEM interface LLVM "$<LINK_ONLY:LLVM>")
    set_property(TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES
                 "${interface}")
  endif()
endforeach()

# LLVMSupport asks for the shared z3, z and zstd libraries. Nothing here needs
# z3; the other two are linked from their archives.
foreach(archive z zstd)
  find_library(TILEWRIGHT_${archive}_ARCHIVE NAMES lib${archive}.a)
  if(NOT TILEWRIGHT_${archive}_ARCHIVE)
    message(FATAL_ERROR "a static build needs lib${archive}.a "
                        "(zlib1g-dev, libzstd-dev): run scripts/setup.sh")
  endif()
endforeach()
set_property(TARGET LLVMSupport PROPERTY INTERFACE_LINK_LIBRARIES
  "m;${TILEWRIGHT_z_ARCHIVE};${TILEWRIGHT_zstd_ARCHIVE};LLVMDemangle")

# Only what is named here (and what it needs) is searched; of an archive only
# the used members are linked, and of those only the used sections are kept,
# so a name too many costs nothing but link time.
llvm_map_components_to_libnames(tilewright_llvm_libs
  core support target targetparser passes scalaropts instcombine ipo analysis
  transformutils bitreader bitwriter irreader asmparser linker mc
  nvptxcodegen nvptxdesc nvptxinfo)
set(TILEWRIGHT_STATIC_LIBS
  # Infrastructure.
  MLIRIR MLIRAsmParser MLIRParser MLIRPass MLIRSupport MLIRAnalysis MLIRDebug
  MLIRRewrite MLIRTransforms MLIRTransformUtils MLIRDialect
  MLIRDialectUtils MLIRInferTypeOpInterface MLIRSideEffectInterfaces
  MLIRFunctionInterfaces MLIRLoopLikeInterface MLIRControlFlowInterfaces
  MLIRDataLayoutInterfaces MLIRCallInterfaces MLIRCastInterfaces
  # Dialects that ours lower to, and the one that opt drivers register.
  MLIRArithDialect MLIRArithUtils MLIRArithTransforms MLIRAffineDialect
  MLIRAffineUtils MLIRBuiltinToLLVMIRTranslation MLIRControlFlowDialect
  MLIRDLTIDialect MLIRFuncDialect MLIRFuncTransforms MLIRGPUDialect
  MLIRLLVMDialect MLIRLLVMIRTransforms MLIRMathDialect MLIRMemRefDialect
  MLIRNVVMDialect MLIRSCFDialect MLIRSCFTransforms MLIRSCFUtils
  MLIRUBDialect MLIRVectorDialect MLIRVectorUtils MLIRVectorTransforms
  # Lowerings.
  MLIRLLVMCommonConversion MLIRArithToLLVM MLIRControlFlowToLLVM
  MLIRFuncToLLVM MLIRGPUToNVVMTransforms MLIRIndexToLLVM MLIRMathToLLVM
  MLIRMathTransforms MLIRMemRefToLLVM MLIRNVVMToLLVM MLIRSCFToControlFlow
  MLIRUBToLLVM MLIRVectorToLLVM MLIRVectorToLLVMPass
  MLIRReconcileUnrealizedCasts MLIRConvertToLLVMInterface
  MLIRConvertToLLVMPass
  # LLVM IR and the opt driver.
  MLIRTargetLLVMIRExport MLIRLLVMToLLVMIRTranslation
  MLIRGPUToLLVMIRTranslation MLIRNVVMToLLVMIRTranslation MLIRTranslateLib
  MLIROptLib
  ${tilewright_llvm_libs})
foreach(library IN LISTS TILEWRIGHT_STATIC_LIBS)
  if(NOT TARGET ${library})
    message(FATAL_ERROR "this LLVM has no library ${library}")
  endif()
endforeach()

# Identical functions are folded (42 -> 37 MB for a program that emits PTX).
# That is safe where no code compares functions' addresses: LLVM's Windows
# builds, whose linker folds by default, rest on the same fact.
#
# --exclude-libs hides every symbol of an archive: libtilewright.so exports its
# own C API and nothing of LLVM, so that it can live in one process with
# another LLVM (PyTorch's, say).
add_link_options(-Wl,--gc-sections -Wl,--icf=all -Wl,--exclude-libs,ALL
                 -static-libstdc++ -static-libgcc
                 $<$<CONFIG:Release,Check>:-Wl,--strip-all>)
