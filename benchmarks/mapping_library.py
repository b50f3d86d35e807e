"""Maps of the size of a plain feed: what `mapping_by_hand` does in Python, said in the language."""

SEX = """source_code,source_system,target_code,target_system,target_display
M,,male,http://hl7.org/fhir/administrative-gender,Male
F,,female,http://hl7.org/fhir/administrative-gender,Female
O,,other,http://hl7.org/fhir/administrative-gender,Other
"""
NAME_USE = """source_code,source_system,target_code,target_system,target_display
L,,official,http://hl7.org/fhir/name-use,Official
M,,maiden,http://hl7.org/fhir/name-use,Maiden
"""
PHONE_USE = """source_code,source_system,target_code,target_system,target_display
PRN,,home,http://hl7.org/fhir/contact-point-use,Home
WPN,,work,http://hl7.org/fhir/contact-point-use,Work
"""
PHONE_SYSTEM = """source_code,source_system,target_code,target_system,target_display
PH,,phone,http://hl7.org/fhir/contact-point-system,Phone
Internet,,email,http://hl7.org/fhir/contact-point-system,Email
"""
MARITAL = """source_code,source_system,target_code,target_system,target_display
M,,M,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Married
S,,S,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Never Married
"""
CLASS = """source_code,source_system,target_code,target_system,target_display
I,,IMP,http://terminology.hl7.org/CodeSystem/v3-ActCode,inpatient encounter
O,,AMB,http://terminology.hl7.org/CodeSystem/v3-ActCode,ambulatory
"""
STATUS = """source_code,source_system,target_code,target_system,target_display
F,,final,http://hl7.org/fhir/observation-status,Final
P,,preliminary,http://hl7.org/fhir/observation-status,Preliminary
C,,corrected,http://hl7.org/fhir/observation-status,Corrected
"""

TABLES = {
    "Sex": SEX,
    "NameUse": NAME_USE,
    "PhoneUse": PHONE_USE,
    "PhoneSystem": PHONE_SYSTEM,
    "Marital": MARITAL,
    "Class": CLASS,
    "Status": STATUS,
}

CX = """
map: CX[Identifier]
from: CX
to: Identifier
rules:
  value: CX.1
  system: CX.4 -> system
  type.coding[]:
    system: '"http://terminology.hl7.org/CodeSystem/v2-0203"'
    code: CX.5
"""
XPN = """
map: XPN[HumanName]
from: XPN
to: HumanName
rules:
  use: XPN.7 -> table NameUse
  family: XPN.1.1
  given[]:
    - XPN.2
    - XPN.3
  prefix[]: XPN.5
"""
XAD = """
map: XAD[Address]
from: XAD
to: Address
rules:
  line[]:
    - XAD.1.1
    - XAD.2
  city: XAD.3
  state: XAD.4
  postalCode: XAD.5
  country: XAD.6
"""
XTN = """
map: XTN[ContactPoint]
from: XTN
to: ContactPoint
rules:
  system: XTN.3 -> table PhoneSystem
  use: XTN.2 -> table PhoneUse
  value: XTN.4 | phone_number(XTN.5, XTN.6, XTN.7, XTN.8) | XTN.1
"""
CWE = """
map: CWE[CodeableConcept]
from: CWE
to: CodeableConcept
rules:
  coding[first].system: CWE.3 -> coding_system
  coding[first].code: CWE.1
  coding[first].display: CWE.2
  coding[second].system: CWE.6 -> coding_system
  coding[second].code: CWE.4
  coding[second].display: CWE.5
  text: CWE.9 | CWE.2 | CWE.5
"""
XCN = """
map: XCN[Practitioner]
from: XCN
to: Practitioner
key:
  - XCN.9
  - XCN.1
rules:
  identifier[]:
    - value: XCN.1
      system: XCN.9 -> system
  name[]:
    - family: XCN.2.1
      given[]:
        - XCN.3
        - XCN.4
      prefix[]: XCN.6
"""
PID = """
map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]: PID-3 -> CX[Identifier]
  name[]: PID-5 -> XPN[HumanName]
  birthDate: PID-7 -> date
  gender: PID-8 -> table Sex
  address[]: PID-11 -> XAD[Address]
  telecom[]:
    - PID-13 -> XTN[ContactPoint]
    - PID-14 -> XTN[ContactPoint]
  maritalStatus: PID-16 -> table Marital
  deceased[x]:
    - dateTime: PID-29 -> dateTime
    - boolean: PID-30 -> yes_no
"""
NK1 = """
map: NK1[RelatedPerson]
from: NK1
to: RelatedPerson
parameters: {patient: Reference}
rules:
  patient: patient
  name[]: NK1-2 -> XPN[HumanName]
  relationship[]: NK1-3 -> CWE[CodeableConcept]
  address[]: NK1-4 -> XAD[Address]
  telecom[]:
    - NK1-5 -> XTN[ContactPoint]
    - NK1-6 -> XTN[ContactPoint]
"""
PV1 = """
map: PV1[Encounter]
from: PV1
to: Encounter
parameters: {patient: Reference}
rules:
  identifier[]: PV1-19 -> CX[Identifier]
  status: '"in-progress"'
  class: PV1-2 -> table Class
  subject: patient
  participant[]:
    - each PV1-7 as doctor:
        type[]:
          coding[]:
            system: '"http://terminology.hl7.org/CodeSystem/v3-ParticipationType"'
            code: '"ATND"'
        individual: doctor -> XCN[Practitioner] -> reference
    - each PV1-8 as doctor:
        type[]:
          coding[]:
            system: '"http://terminology.hl7.org/CodeSystem/v3-ParticipationType"'
            code: '"REF"'
        individual: doctor -> XCN[Practitioner] -> reference
  period.start: PV1-44 -> dateTime
  period.end: PV1-45 -> dateTime
  hospitalization.admitSource: PV1-14 -> CWE[CodeableConcept]
"""
AL1 = """
map: AL1[AllergyIntolerance]
from: AL1
to: AllergyIntolerance
parameters: {patient: Reference}
rules:
  patient: patient
  code: AL1-3 -> CWE[CodeableConcept]
  onset[x]:
    - dateTime: AL1-6 -> dateTime
  reaction[one]:
    manifestation[]:
      text: AL1-5[1]
"""
DG1 = """
map: DG1[Condition]
from: DG1
to: Condition
parameters: {patient: Reference, encounter: Reference}
rules:
  subject: patient
  encounter: encounter
  code: DG1-3[1] -> CWE[CodeableConcept]
  recordedDate: DG1-5 -> dateTime
"""
IN1 = """
map: IN1[Coverage]
from: IN1
to: Coverage
parameters: {patient: Reference}
rules:
  status: '"active"'
  beneficiary: patient
  type: IN1-2 -> CWE[CodeableConcept]
  payor[]:
    display: IN1-4[1].1
  period.start: IN1-12 -> date
  period.end: IN1-13 -> date
  subscriberId: IN1-36
"""
ADT = """
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A01]
rules:
  - PID -> PID[Patient] as patient key=identifier
  - each NK1 as kin:
      - kin -> NK1[RelatedPerson] patient=reference(patient)
  - PV1 -> PV1[Encounter] patient=reference(patient) key=(PV1-19.1) as encounter
  - each AL1 as allergy:
      - allergy -> AL1[AllergyIntolerance] patient=reference(patient)
  - each DG1 as diagnosis:
      - diagnosis -> DG1[Condition] patient=reference(patient) encounter=reference(encounter)
  - each INSURANCE.IN1 as insurance:
      - insurance -> IN1[Coverage] patient=reference(patient)
"""
OBR = """
map: OBR[DiagnosticReport]
from: OBR
to: DiagnosticReport
parameters: {patient: Reference}
rules:
  status: OBR-25 -> table Status
  code: OBR-4 -> CWE[CodeableConcept]
  subject: patient
  effectiveDateTime: OBR-7 -> dateTime
  issued: OBR-22 -> instant
"""
OBX = """
map: OBX[Observation]
from: OBX
to: Observation
parameters: {patient: Reference}
rules:
  status: OBX-11 -> table Status
  code: OBX-3 -> CWE[CodeableConcept]
  subject: patient
  effectiveDateTime: OBX-14 -> dateTime
  value[x]:
    - Quantity when OBX-2 = "NM": OBX-5[1] -> quantity unit=OBX-6
    - string: OBX-5[1]
  interpretation[]: OBX-8 -> CWE[CodeableConcept]
  referenceRange[]:
    text: OBX-7
"""
ORU = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT as result:
      - result.PATIENT.PID -> PID[Patient] as patient key=identifier
      - each result.ORDER_OBSERVATION as order:
          - order.OBR -> OBR[DiagnosticReport] key=order.OBR-3 patient=reference(patient) as report
          - each order.OBSERVATION.OBX as obx:
              - obx -> OBX[Observation] key=(order.OBR-3.1, obx-1) patient=reference(patient) as one
              - report.result[] = reference(one)
"""

MAPS = (CX, XPN, XAD, XTN, CWE, XCN, PID, NK1, PV1, AL1, DG1, IN1, ADT, OBR, OBX, ORU)


def library_files() -> dict[str, str]:
    """The library as `read_library` takes it."""
    files = {f"map{number}.yaml": text for number, text in enumerate(MAPS)}
    return files | {f"{name}.csv": text for name, text in TABLES.items()}
