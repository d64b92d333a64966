from blockerbugs.web import application
