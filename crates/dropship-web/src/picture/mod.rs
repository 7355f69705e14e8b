//! SVG pictures. Geometry is in presentation attributes, colour in classes of the stylesheet.
