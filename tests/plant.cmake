# Planted bugs: copies of sources with one text replaced, which a test must notice.

# plant_source(NAME FILE FROM TO OUT): a copy of FILE (from the top of the sources) in which TO
# stands instead of FROM; OUT is set to its path. A text that does not stand exactly once is an
# error, so that a plant cannot silently become the real thing.
function(plant_source name file from to out)
    set(source ${CMAKE_SOURCE_DIR}/${file})
    set(planted ${CMAKE_CURRENT_BINARY_DIR}/plants/${name}.c)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(READ ${source} text)
    string(REPLACE ";" "<semicolon>" text "${text}")
    string(REPLACE ";" "<semicolon>" from "${from}")
    string(REPLACE ";" "<semicolon>" to "${to}")
    string(FIND "${text}" "${from}" first)
    string(FIND "${text}" "${from}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        message(FATAL_ERROR "plant ${name}: its text does not stand once in ${file}: ${from}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
    string(REPLACE "<semicolon>" ";" text "${text}")
    file(CONFIGURE OUTPUT ${planted} CONTENT "@text@" @ONLY)
    set(${out} ${planted} PARENT_SCOPE)
endfunction()
